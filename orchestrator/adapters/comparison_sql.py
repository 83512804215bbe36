"""Generates the SQL that compares two tables by their columns and rows, regardless of order; pure text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.nodes.identity import Relation

Columns = Sequence[tuple[str, str]]
"""Names and types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonDialect:
    """The SQL that differs between databases."""

    columns: str
    """Queries the columns of a table: name and type."""
    exact: str
    """The hash of a row of these cells."""
    sums: tuple[str, ...]
    """Aggregates over all rows of these cells."""
    rounded: Mapping[str, str]
    """For each type of floats: a cell as text, rounded to the significant digits."""
    cell: str
    """The hash of one cell, as a number that can be summed."""
    has_databases: bool
    """Whether a table name is qualified with its database."""


_DUCKDB_COLUMNS = """
    select column_name, data_type from information_schema.columns
    where lower(table_catalog) = lower({database}) and lower(table_schema) = lower({schema})
    and lower(table_name) = lower({table})
"""
_POSTGRES_COLUMNS = """
    select a.attname, format_type(a.atttypid, a.atttypmod)
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = {schema} and c.relname = {table} and a.attnum > 0 and not a.attisdropped
"""
_FINITE = (
    "case when {{cell}} in ('NaN', 'Infinity', '-Infinity') then {{cell}}::text"
    " else to_char({{cell}} + 0, '{digits}') end"
)
COMPARING: Mapping[str, ComparisonDialect] = {
    "duckdb": ComparisonDialect(
        columns=_DUCKDB_COLUMNS,
        exact="hash({cells})",
        sums=("count(*)", "coalesce(sum(hash({cells})::hugeint), 0)", "coalesce(bit_xor(hash({cells})), 0)"),
        rounded={"DOUBLE": "format('{{:.11e}}', {cell} + 0)", "FLOAT": "format('{{:.5e}}', {cell} + 0)"},
        cell="hash({cell})::hugeint",
        has_databases=True,
    ),
    "postgres": ComparisonDialect(
        columns=_POSTGRES_COLUMNS,
        exact="hashtextextended(row({cells})::text, 0)",
        sums=(
            "count(*)",
            "coalesce(sum(hashtextextended(row({cells})::text, 0)::numeric), 0)",
            "coalesce(sum(hashtextextended(row({cells})::text, 1)::numeric), 0)",
        ),
        rounded={
            "double precision": _FINITE.format(digits="9.99999999999EEEE"),
            "real": _FINITE.format(digits="9.99999EEEE"),
        },
        cell="hashtextextended(({cell})::text, 0)::numeric",
        has_databases=False,
    ),
}
"""By dbt's adapter type."""


def table(dialect: ComparisonDialect, relation: Relation) -> str:
    """Return the qualified name of a table."""
    named = f"{quoted(relation.schema)}.{quoted(relation.identifier)}"
    return f"{quoted(relation.database)}.{named}" if dialect.has_databases and relation.database else named


def asks_for_columns(dialect: ComparisonDialect, relation: Relation) -> str:
    """Return the query for the names and types of a table's columns."""
    named = {"database": relation.database or "", "schema": relation.schema, "table": relation.identifier}
    return dialect.columns.format(**{name: literal(value) for name, value in named.items()})


def asks_for_content(dialect: ComparisonDialect, relation: Relation, columns: Columns) -> str:
    """Return the query for the row count and for checksums that change if any row changes."""
    cells = ", ".join(quoted(name) for name, _ in columns)
    terms = ", ".join(one.format(cells=cells) for one in dialect.sums)
    return f"select {terms} from {table(dialect, relation)}"  # noqa: S608  # quoted names, here and below


def asks_for_differences(dialect: ComparisonDialect, one: Relation, other: Relation, columns: Columns) -> str:
    """Return the query for how many rows only the one table has, and how many only the other; floats are rounded."""
    rows = _rows_of_both(dialect, one, other, columns)
    more = "coalesce(sum(greatest(coalesce({0}.n, 0) - coalesce({1}.n, 0), 0)), 0)"
    return f"{rows} select {more.format('a', 'b')}, {more.format('b', 'a')} from a full join b on a.h = b.h"  # noqa: S608


def asks_for_differing(dialect: ComparisonDialect, one: Relation, other: Relation, columns: Columns, most: int) -> str:
    """Return the query for at most `most` rows of the one table whose number in the other table differs."""
    rows = _rows_of_both(dialect, one, other, columns)
    names = ", ".join(quoted(name) for name, _ in columns)
    differing = "select a.h from a left join b on a.h = b.h where a.n <> coalesce(b.n, 0)"
    hashed = _hashed(dialect, columns)
    return f"{rows} select {names} from {table(dialect, one)} where {hashed} in ({differing}) limit {most}"  # noqa: S608


def asks_for_cells(dialect: ComparisonDialect, relation: Relation, columns: Columns) -> str:
    """Return the query for a checksum of each column."""
    cells = (dialect.cell.format(cell=_cell(dialect, name, kind)) for name, kind in columns)
    terms = ", ".join(f"coalesce(sum({cell}), 0)" for cell in cells)
    return f"select {terms} from {table(dialect, relation)}"  # noqa: S608


def _rows_of_both(dialect: ComparisonDialect, one: Relation, other: Relation, columns: Columns) -> str:
    hashed = _hashed(dialect, columns)
    counted = (f"(select {hashed} as h, count(*) as n from {table(dialect, each)} group by 1)" for each in (one, other))  # noqa: S608
    return f"with a as {next(counted)}, b as {next(counted)}"


def _hashed(dialect: ComparisonDialect, columns: Columns) -> str:
    return dialect.exact.format(cells=", ".join(_cell(dialect, name, kind) for name, kind in columns))


def _cell(dialect: ComparisonDialect, name: str, kind: str) -> str:
    rounded = dialect.rounded.get(kind)
    return quoted(name) if rounded is None else rounded.format(cell=quoted(name))
