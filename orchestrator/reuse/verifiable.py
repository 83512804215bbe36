"""Decides which steps can be verified by a shadow build."""

from dataclasses import dataclass

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import BuildStep, Step
from orchestrator.reuse.fingerprints.config_keys import declared_volatile, hooks_of
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.own_parts import has_foreign_keys


@dataclass(frozen=True, slots=True)
class Verifiable:
    """Decides which steps can be verified: those whose table can be rebuilt without touching anything else."""

    snapshot: ProjectSnapshot
    maker: Fingerprinter

    def has(self, step: Step) -> bool:
        """Return whether a step can be verified; a node that the project declares volatile cannot."""
        node = self.snapshot.graph.manifest.nodes.get(step.node) if isinstance(step, BuildStep) else None
        if node is None or declared_volatile(node.definition.config) is False:
            return False
        return self._is_made_whole(node) and not self._touches_more(node)

    def _is_made_whole(self, node: DbtNode) -> bool:
        is_model = node.resource_type is ResourceType.MODEL and node.materialized in {"table", "view"}
        # A macro of the project in the materialization may do anything, also beyond the copy.
        own = any(closure.has_own for closure in self.maker.index.materialization(node.materialized))
        return (is_model or node.resource_type is ResourceType.SEED) and not own

    def _touches_more(self, node: DbtNode) -> bool:
        """Return whether a node has hooks or foreign keys, or is in a database where elt cannot create a schema."""
        database = node.placed.database if node.placed is not None else ""  # the copy is built in the target's database
        is_elsewhere = database is not None and database.lower() != self.snapshot.target.database.lower()
        return bool(hooks_of(node.definition.config)) or is_elsewhere or has_foreign_keys(node)

    def among(self, plan: Plan) -> list[Step]:
        """Return the steps of a plan that may be reused and can be verified."""
        return [step for step in plan.steps if step.decision and step.decision.may_reuse and self.has(step)]
