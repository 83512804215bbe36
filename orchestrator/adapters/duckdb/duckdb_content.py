"""Generates the SQL that reads the content of a relation in DuckDB; pure text, also run in a build's own transaction.

DuckDB's `hash` is equal for some values that differ to a reader: 0.0 and -0.0, 30 days and a month, NULL and an empty
list, `[[1], [2]]` and `[[1, 2]]`. Such types are hashed together with their text.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from orchestrator.adapters.contents import Shape, as_text, found_by_name
from orchestrator.adapters.duckdb.view_text import in_one_form
from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import FOREIGN, TABLE, VIEW
from orchestrator.reuse.table_columns import without_dlt

_HASHED_EXACTLY = re.compile(
    "BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\\([0-9,]+\\)|DATE|TIME|TIMESTAMP(_S|_MS|_NS)?"
    "|TIMESTAMP WITH TIME ZONE|JSON|BLOB|UUID|BIT|ENUM\\(.*\\)",
    re.DOTALL,
)
_EMPTY = "''"
_TEXT = "VARCHAR"
_FLOATS = frozenset({"FLOAT", "DOUBLE"})

# A table's own text counts only if it names a collation, which the types of its columns do not show.
_SHAPES = """
with wanted(schema_name, name) as (values {names}),
columns as (
    select database_name, schema_name, table_name as name,
        list([column_name, data_type] order by column_index) as columns
    from duckdb_columns() as c semi join wanted as w
        on lower(c.schema_name) = w.schema_name and lower(c.table_name) = w.name
    where not internal group by all
),
kinds as (
    select database_name, schema_name, table_name as name, 'table' as kind,
        case when sql ilike '%collate%' then sql else '' end as definition, estimated_size
    from duckdb_tables() where not internal
    union all
    select database_name, schema_name, view_name, 'view', sql, null from duckdb_views() where not internal
)
select database_name, schema_name, name, kind, definition, columns, estimated_size, d.type
from columns join kinds using (database_name, schema_name, name) join duckdb_databases() as d using (database_name)
"""
LOOK_UPS = {
    VIEW: "select sql from duckdb_views() where lower(database_name) = {database} and lower(schema_name) = {schema}"
    " and lower(view_name) = {name}",
    TABLE: "select 1 from duckdb_tables() where lower(database_name) = {database} and lower(schema_name) = {schema}"
    " and lower(table_name) = {name}",
}
"""Queries for one relation, by its kind. DuckDB scans all relations of that kind: 2 ms for 500 views."""


def asks_for_shapes(relations: Collection[Relation]) -> str:
    """Return the catalog query for all relations with these names, in any database."""
    keys = sorted({relation.key() for relation in relations})
    return _SHAPES.format(names=", ".join(f"({literal(schema)}, {literal(name)})" for schema, name in keys))


def shapes_of(relations: Collection[Relation], rows: Iterable[Sequence[Any]], database: str) -> dict[Relation, Shape]:
    """Convert the answer; a relation without a database is in `database`."""
    shapes = [
        Shape(
            database=home,
            schema=schema,
            name=name,
            kind=kind if engine == "duckdb" else FOREIGN,
            columns=tuple((column, of_type) for column, of_type in columns),
            definition=in_one_form(as_text(definition)) if kind == VIEW else as_text(definition),
            most=size if engine == "duckdb" and kind == TABLE else None,
        )
        for home, schema, name, kind, definition, columns, size, engine in rows
    ]
    return found_by_name(relations, shapes, database=database, folded=str.lower)


def checksums(number: int, shape: Shape, limit: int, *, source: str | None = None) -> str:
    """Return the SELECT of number, row count and two checksums of a relation, or of another `source` with its columns.

    The second checksum includes dlt's own columns; it is empty if there are none. If the row count is not known to be
    within the limit, at most one row more than the limit is read.
    """
    own = without_dlt(shape.columns)
    has_others = len(own) < len(shape.columns)
    others = f", {_row(shape.columns)} as e" if has_others else ""
    table = source or named(shape)
    if shape.most is None or shape.most > limit:
        table = f"(select * from {table} limit {limit + 1})"  # noqa: S608  # quoted names
    return (
        f"select {number}, count(*), {_sum('r')}, {_sum('e') if has_others else _EMPTY}"  # noqa: S608  # as above
        f" from (select {_row(own)} as r{others} from {table})"
    )


def asks_for_count(shape: Shape) -> str:
    """Return the query for the row count, which DuckDB knows without reading the rows."""
    return f"select count(*) from {named(shape)}"  # noqa: S608  # quoted names


def named(shape: Shape) -> str:
    """Return the qualified name of a relation."""
    return f"{quoted(shape.database)}.{quoted(shape.schema)}.{quoted(shape.name)}"


def body_of(definition: str) -> str | None:
    """Return the query of a view from its definition; None if the definition has another form or names columns."""
    part = r'(?:"(?:[^"]|"")*"|[^\s".(]+)'
    found = re.fullmatch(rf"CREATE VIEW (?:{part}\.)*{part} AS (?P<query>.*?);?\s*", definition, re.DOTALL)
    return None if found is None else found["query"]


def shape_in_transaction(
    database: str, schema: str, name: str, described: Iterable[Sequence[Any]], definition: str | None
) -> Shape:
    """Return the shape of what was just built, from the answer to DESCRIBE and a view's definition."""
    return Shape(
        database=database,
        schema=schema,
        name=name,
        kind=TABLE if definition is None else VIEW,
        columns=tuple((row[0], row[1]) for row in described),
        definition=in_one_form(definition or ""),
    )


def _sum(column: str) -> str:
    # A sum does not depend on the order of rows. As hugeint, because sums of 64-bit hashes exceed a bigint.
    return f"coalesce(sum({column}::hugeint), 0)::varchar"


def _row(columns: Sequence[tuple[str, str]]) -> str:
    """Return the hash of a row; it is hashed twice, because the hash of several values is linear in the last one."""
    return f"hash(hash({', '.join(['1', *(_value(name, of_type) for name, of_type in columns)])}))"


def _value(name: str, of_type: str) -> str:
    column = quoted(name)
    if of_type == _TEXT:  # since 2.0.1, `hash` of a text follows its collation
        return f"encode({column})"
    if _HASHED_EXACTLY.fullmatch(of_type):
        return column
    if of_type in _FLOATS:
        return f"{column}, signbit({column})"
    return f"{column}, encode({column}::varchar)"
