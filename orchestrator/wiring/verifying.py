"""Selects the reused steps of a run that are verified, and creates the verifier."""

from dataclasses import dataclass, replace

from orchestrator.adapters.comparison_sql import COMPARING
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.verifying import Verifier
from orchestrator.adapters.own_schemas import OwnSchemas
from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.config.settings import Settings
from orchestrator.errors import StoreError, UsageError
from orchestrator.execution.ports import Request, RunReader
from orchestrator.execution.sample import Sample, drawn
from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, Step, StepId
from orchestrator.reuse.facts import Budget
from orchestrator.reuse.fingerprints.config_keys import declared_volatile, hooks_of
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.missed import missed
from orchestrator.reuse.fingerprints.own_parts import has_foreign_keys
from orchestrator.wiring.command import Command
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.warehouse import is_shared


def share_of(command: Command, settings: Settings) -> float:
    """Return the share of reused steps that is verified."""
    return settings.verify_reuse if command.verify_reuse is None else command.verify_reuse


@dataclass(frozen=True, slots=True)
class Verifiable:
    """Decides which steps can be verified: those whose table can be rebuilt without touching anything else."""

    project: OpenProject
    maker: Fingerprinter

    def has(self, step: Step) -> bool:
        """Return whether a step can be verified; a node that the project declares volatile cannot."""
        node = self.project.graph.manifest.nodes.get(step.node) if isinstance(step, BuildStep) else None
        if node is None or declared_volatile(node.definition.config) is False:
            return False
        return self._is_made_whole(node) and not self._touches_more(node)

    def noted(self, plan: Plan, share: float) -> Plan:
        """Return the plan with a note of how many steps are verified, if any."""
        steps = self._among(plan)
        number = len(drawn([step.id for step in steps], share, ""))
        if not number:
            return plan
        relations = f"{len(steps):,} {'relation' if len(steps) == 1 else 'relations'}"
        note = f"verified: {number:,} of {relations} that may be reused, drawn by the id of the run"
        return replace(plan, notes=(*plan.notes, note))

    def _among(self, plan: Plan) -> list[Step]:
        return [step for step in plan.steps if step.decision and step.decision.may_reuse and self.has(step)]

    def _is_made_whole(self, node: DbtNode) -> bool:
        is_model = node.resource_type is ResourceType.MODEL and node.materialized in {"table", "view"}
        own = any(closure.has_own for closure in self.maker.index.materialization(node.materialized))
        return (is_model or node.resource_type is ResourceType.SEED) and not own

    def _touches_more(self, node: DbtNode) -> bool:
        """Return whether a node has hooks or foreign keys, or is in a database where elt cannot create a schema."""
        database = node.placed.database if node.placed is not None else ""
        is_elsewhere = database is not None and database.lower() != self.project.target.database.lower()
        return bool(hooks_of(node.definition.config)) or is_elsewhere or has_foreign_keys(node)

    def sample(self, plan: Plan, share: float, run_id: str) -> Sample:
        """Draw the steps of a run that are verified; raises UsageError if the target does not support it."""
        steps = self._among(plan) if share else []
        target = self.project.target
        if steps and not (is_shared(target) and target.adapter in COMPARING):
            raise UsageError(
                f"What is reused cannot be verified in the target {target.name}: that needs a DuckDB file or a"
                " PostgreSQL database.",
                hint="Leave --verify-reuse, and `verify_reuse` in elt.yml, away.",
            )
        return Sample.of(steps, share, run_id)


def verifier_of(
    project: OpenProject, runs: NodeRuns, record: SqlTargetRecord | None, reader: RunReader | None
) -> Verifier | None:
    """Return the object that verifies steps; None for a target that does not support it."""
    target = project.target
    if not is_shared(target) or target.adapter not in COMPARING:
        return None
    manifest = project.graph.manifest

    def relation_of(node: NodeId) -> Relation:
        relation = manifest.nodes[node].placed
        if relation is None:
            raise ValueError(f"{node} has no table")
        return Relation(
            database=relation.database or target.database, schema=relation.schema, identifier=relation.identifier
        )

    def may_have_missed(node: NodeId, compiled: str | None, run_id: str) -> tuple[str, ...]:
        try:
            then = None if reader is None else reader.compiled_code(run_id, StepId(node))
        except StoreError:  # without the record, the difference is still reported
            then = None
        return missed(manifest, manifest.nodes[node], compiled, then)

    def definition_of(relation: Relation) -> str:
        found = project.warehouse().contents([relation], Budget(rows=0, seconds=0), definitions_only=True)
        definition = found[relation].definition if relation in found else ""
        head, parted, query = definition.partition(" AS ")
        return query if parted and head.upper().startswith("CREATE ") else definition

    def doubt(request: Request, relation: Relation) -> None:
        if record is not None:
            record.doubt(request, relation)

    return Verifier(
        runs=runs,
        schemas=OwnSchemas(
            lambda statement: project.warehouse().ask(statement),
            DIALECTS[target.adapter],
            target.database,
            project.graph.placement,
        ),
        dialect=COMPARING[target.adapter],
        relation_of=relation_of,
        missed=may_have_missed,
        definition_of=definition_of,
        doubt=doubt,
    )
