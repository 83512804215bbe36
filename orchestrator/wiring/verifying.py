"""Selects the reused steps of a run that are verified, and creates the verifier."""

from orchestrator.adapters.comparison_sql import COMPARING
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.verifier import Verifier
from orchestrator.adapters.own_schemas import OwnSchemas
from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.errors import StoreError
from orchestrator.execution.ports import Request, RunReader
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Budget
from orchestrator.reuse.fingerprints.missed import missed
from orchestrator.wiring.open_project import OpenProject


def verifier_of(
    project: OpenProject, runs: NodeRuns, record: SqlTargetRecord | None, reader: RunReader | None
) -> Verifier | None:
    """Return the object that verifies steps; None for a target that does not support it."""
    target = project.target
    if not target.is_shared or target.adapter not in COMPARING:
        return None
    manifest = project.graph.manifest

    def relation_of(node: NodeId) -> Relation:
        relation = manifest.nodes[node].placed
        if relation is None:
            raise ValueError(f"{node} has no table")  # `Verifiable` lets only nodes with a table through
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
        # DuckDB's catalog has the whole statement with the name of the view, which differs in the copy.
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
