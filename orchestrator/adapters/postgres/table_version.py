"""The question that tells whether a table's rows are others, in PostgreSQL's SQL, whatever their order."""

from psycopg2 import sql

from orchestrator.adapters.table_columns import LOAD_ID, Columns, columns_told, content_columns, is_told_by_loads
from orchestrator.nodes.identity import Relation

COLUMNS = """
    select a.attname, format_type(a.atttypid, a.atttypmod)
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = {schema} and c.relname = {table} and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
_VERSION = """
    select {told}, count(*), coalesce(sum(hashtextextended(row({hashed})::text, 0)::numeric), 0),
        coalesce(sum(hashtextextended(row({hashed})::text, 1)::numeric), 0)
    from {schema}.{table}
"""


def version_query(relation: Relation, columns: Columns, *, grows: bool) -> sql.Composable | None:
    """Give the query; None for a table without columns, which is not there."""
    if not columns:
        return None
    names = [LOAD_ID] if is_told_by_loads(columns, grows=grows) else content_columns(columns)
    return sql.SQL(_VERSION).format(
        told=sql.Literal(columns_told(columns)),
        hashed=sql.SQL(", ").join(map(sql.Identifier, names)),
        schema=sql.Identifier(relation.schema),
        table=sql.Identifier(relation.identifier),
    )
