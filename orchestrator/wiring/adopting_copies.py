"""Builds copies of nodes in schemas of elt's own, and compares the tables to be adopted with them."""

from dataclasses import dataclass, replace
from functools import cached_property

from orchestrator.adapters.comparison import compare_tables
from orchestrator.adapters.dbt.shadow_build import asking
from orchestrator.adapters.dbt.verifier import Verifier
from orchestrator.errors import WarehouseError
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.step import BuildStep
from orchestrator.reuse.facts import VIEW, Budget, Content
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.verifying import verifier_of


@dataclass(kw_only=True)
class Copies:
    """Compares nodes of a project with copies of them; prepares nothing before the first comparison."""

    project: OpenProject
    nodes: tuple[NodeId, ...]
    """The nodes whose relations exist; dbt reads their schemas."""

    def difference(self, step: BuildStep) -> str:
        """Describe how a relation differs from a copy that is built now; empty if they are equal."""
        verifier = self._verifier
        if verifier is None:
            return "a copy cannot be built in this target"
        if refusal := verifier.runs.prepare():
            return f"a copy cannot be built: {refusal.splitlines()[0]}"
        try:
            with verifier.schemas.opened(step.id) as schema:
                built = verifier.runs.run_shadow(step.node, schema)
                if built.message:
                    return f"a copy cannot be built: {built.message.strip().splitlines()[0]}"
                return self._compared(verifier, step, schema)
        except WarehouseError as error:
            return f"it cannot be compared with a copy: {error.message.splitlines()[0]}"

    @cached_property
    def _verifier(self) -> Verifier | None:
        runs = self.project.dbt.library().node_runs(planned=self.nodes)
        self.project.resources.callback(runs.close)
        runs.enter_thread()  # dbt keeps its invocation by thread
        return verifier_of(self.project, runs, None, None)

    def _compared(self, verifier: Verifier, step: BuildStep, schema: str) -> str:
        relation = verifier.relation_of(step.node)
        copy = replace(relation, schema=schema)
        shapes = self._shapes(relation, copy)
        if relation not in shapes or copy not in shapes:
            return "it cannot be compared with a copy: one of the two does not exist"
        if shapes[relation].kind != shapes[copy].kind:
            return f"it is a {shapes[relation].kind}, and would be a {shapes[copy].kind} now"
        if shapes[relation].columns != shapes[copy].columns:
            return "its columns are not those that it would have now"
        # A view has no rows of its own. Equal definitions show equal rows.
        if shapes[relation].kind == VIEW:
            is_same = verifier.definition_of(relation) == verifier.definition_of(copy)
            return "" if is_same else "its definition is not what it would be now"
        with asking(verifier.runs.adapter, f"adopt_{step.node}") as ask:
            difference = compare_tables(ask, verifier.dialect, relation, copy).difference
        if difference is None:
            return ""
        rows = difference.only_first + difference.only_second
        return f"its rows are not those that it would have now: {rows:,} differ" if rows else "its columns differ"

    def _shapes(self, *relations: Relation) -> dict[Relation, Content]:
        budget = Budget(rows=0, seconds=0)  # only the catalog is read
        return dict(self.project.warehouse().contents(relations, budget, definitions_only=True))
