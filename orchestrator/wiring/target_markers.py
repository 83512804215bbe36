"""Creates the record that a target keeps of what was built in it."""

from collections.abc import Callable

from orchestrator.adapters.record_sql import DIALECTS, SCHEMA
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import StepId
from orchestrator.reuse.open_target import Warehouse


def target_record(
    snapshot: ProjectSnapshot,
    *,
    warehouse: Callable[[], Warehouse],
    attach: Callable[[], None],
    tell: Callable[[str], None],
) -> SqlTargetRecord | None:
    """Return the target's own record of what was built in it; None if no record is kept there.

    An in-memory database disappears with the process, so it keeps none. Adapters other than DuckDB and PostgreSQL are
    used by dbt only.
    """
    target, settings, nodes = snapshot.target, snapshot.settings, snapshot.graph.manifest.nodes
    if not settings.state_in_target or not target.is_shared or target.adapter not in DIALECTS:
        return None

    def database_of(step: StepId) -> str | None:
        node = nodes.get(NodeId(step))
        # A marker is in the database of its relation: DuckDB writes to one database in each transaction.
        return None if node is None or node.placed is None else node.placed.database or target.database

    def reach(database: str) -> None:
        del database  # dbt attaches all of them at once
        warehouse()  # open ours first, so that dbt uses the same instance
        attach()

    schema = snapshot.graph.placement.schema(SCHEMA)
    relations = [node.placed for node in nodes.values() if node.placed is not None]
    record = SqlTargetRecord(
        lambda statement: warehouse().ask(statement),
        DIALECTS[target.adapter],
        database_of,
        main=target.database,
        reach=reach,
        taken={one.database or target.database for one in relations if one.schema.lower() == schema},
        tell=tell,
    )
    record.schema = schema
    record.most_rows = settings.content.rows
    return record
