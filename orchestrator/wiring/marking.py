"""Decides whether a run records its results in the target itself, and returns the record to write them to."""

from collections.abc import Callable, Iterable

from orchestrator.adapters.record_sql import DIALECTS, SCHEMA
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.execution.events import NoticeKind
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, IngestStep, StepId
from orchestrator.reuse.facts import Content
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.warehouse import is_shared


def target_record(project: OpenProject) -> SqlTargetRecord | None:
    """Return the target's own record of what was built in it; None if no record is kept there.

    An in-memory database disappears with the process, so it keeps none. Adapters other than DuckDB and PostgreSQL are
    used by dbt only.
    """
    target = project.target
    if not project.settings.state_in_target or not is_shared(target) or target.adapter not in DIALECTS:
        return None
    nodes = project.graph.manifest.nodes

    def database_of(step: StepId) -> str | None:
        node = nodes.get(NodeId(step))
        return None if node is None or node.placed is None else node.placed.database or target.database

    def reach(database: str) -> None:
        del database  # dbt attaches all of them at once
        project.warehouse()  # open ours first, so that dbt uses the same instance
        project.session.attach()

    schema = project.graph.placement.schema(SCHEMA)
    relations = [node.placed for node in nodes.values() if node.placed is not None]
    record = SqlTargetRecord(
        lambda statement: project.warehouse().ask(statement),
        DIALECTS[target.adapter],
        database_of,
        main=target.database,
        reach=reach,
        taken={one.database or target.database for one in relations if one.schema.lower() == schema},
        tell=lambda message: project.inbox.post(NoticeKind.WARNING, message),
    )
    record.schema = schema
    record.most_rows = project.settings.content.rows
    return record


def relations_of(project: OpenProject, nodes: Iterable[str]) -> dict[StepId, Relation]:
    """Return the relations that nodes are built as, by step; nodes without a relation are omitted."""
    known = project.graph.manifest.nodes
    relations = {StepId(one): known[NodeId(one)].placed for one in nodes if NodeId(one) in known}
    return {step: relation for step, relation in relations.items() if relation is not None}


def record_in_target(
    project: OpenProject, plan: Plan, on_content: Callable[[StepId, Content], None], *, is_expected: bool
) -> SqlTargetRecord | None:
    """Create the record tables in the target's main database before the run; dbt's attached databases follow later.

    `on_content` is called on the thread of the build with what a successful build leaves. `is_expected` says that
    earlier runs are known to have built in this target.
    """
    record = target_record(project)
    if record is not None:
        record.on_content = on_content
    if record is not None and any(isinstance(step, BuildStep | IngestStep) for step in plan.steps):
        record.make([project.target.database], is_expected=is_expected)
    return record
