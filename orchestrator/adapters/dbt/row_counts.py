"""Finds the row count of a table after its build."""

from typing import Any

from orchestrator.adapters.dbt.shadow_build import asking
from orchestrator.errors import WarehouseError

_TABLES = frozenset({"table", "incremental", "seed", "snapshot"})
_COUNTS_AT_ONCE = "duckdb"
"""The adapter whose database counts a table without reading it."""
_WRITES_ALL = frozenset({"table", "seed"})
"""Materializations that write every row of their table: the number of rows written is the row count."""


def row_count(adapter: Any, result: Any) -> int | None:  # noqa: ANN401  # dbt's adapter and RunResult
    """Return the row count of a node's table if it costs next to nothing, else None.

    For builds that were not counted inside their transaction.
    """
    node = result.node
    if str(result.status) != "success" or node.config.materialized not in _TABLES or not node.relation_name:
        return None
    if adapter.type() == _COUNTS_AT_ONCE:
        try:
            with asking(adapter, f"count_{node.unique_id}") as ask:
                [(count,)] = ask(f"select count(*) from {node.relation_name}")  # noqa: S608  # dbt's quoted name
        except WarehouseError:
            return None  # the build succeeded, even if its rows cannot be counted
        return int(count)
    if node.config.post_hook:  # a hook may change the rows after they were counted
        return None
    written = (result.adapter_response or {}).get("rows_affected")
    is_number = isinstance(written, int) and written >= 0
    return written if is_number and node.config.materialized in _WRITES_ALL else None
