"""The versions of tables that dlt loads here, read off the tables themselves."""

from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import IngestStep
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.warehouse import is_shared, is_there

_GROWS = frozenset({"append", "merge"})


@dataclass(frozen=True, slots=True)
class LoadedTables:
    """The dbt sources whose tables dlt resources of the project write."""

    project: OpenProject

    def loads(self, source: NodeId) -> bool:
        """Say whether dlt writes the table of a dbt source here."""
        return any(parent in self.project.graph.ingest for parent in self.project.graph.needs.parents(source))

    def fed_by(self, plan: Plan) -> set[NodeId]:
        """Give the dbt sources that the loads of a plan write."""
        loaded = {node for step in plan.steps if isinstance(step, IngestStep) for node in step.nodes}
        graph = self.project.graph
        return {source for source in graph.manifest.sources if not loaded.isdisjoint(graph.needs.parents(source))}

    def version(self, source: NodeId) -> str | None:
        """Ask the warehouse for the version of a source's rows; None where it has none, or raises WarehouseError."""
        target = self.project.target
        if not is_shared(target) or not is_there(target):
            return None
        relation = self.project.graph.manifest.sources[source].relation
        return self.project.warehouse().data_version(relation, grows=self._grows(source))

    def _grows(self, source: NodeId) -> bool:
        """Say whether loads only add to or amend the table, so that their ids tell what is in it."""
        graph = self.project.graph
        writers = [graph.ingest[one] for one in graph.needs.parents(source) if one in graph.ingest]
        kinds = {
            resource.write_disposition
            for writer in writers
            for resource in graph.dlt_sources[writer.source].resources
            if writer.resource in {None, resource.name}
        }
        return bool(kinds) and kinds <= _GROWS
