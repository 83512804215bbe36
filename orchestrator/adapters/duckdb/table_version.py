"""The question that tells whether a table's rows are others, in DuckDB's SQL, whatever their order."""

from orchestrator.adapters.table_columns import LOAD_ID, Columns, columns_told, content_columns, is_told_by_loads
from orchestrator.nodes.identity import Relation


def version_query(relation: Relation, columns: Columns, *, grows: bool) -> str | None:
    """Give the query; None for a table without columns, which is not there."""
    if not columns:
        return None
    names = [LOAD_ID] if is_told_by_loads(columns, grows=grows) else content_columns(columns)
    hashed = ", ".join(map(_quoted, names)) or "1"
    text = columns_told(columns).replace("'", "''")
    table = f"{_quoted(relation.schema)}.{_quoted(relation.identifier)}"
    return (
        f"select '{text}', count(*), coalesce(sum(hash({hashed})::hugeint), 0), coalesce(bit_xor(hash({hashed})), 0)"  # noqa: S608  # quoted names
        f" from {table}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
