"""Generates the SQL that reads the content of a relation in PostgreSQL; pure text, also run in a build's transaction.

A row is hashed in its binary form. Unlike the row's text, this does not depend on settings of the session. Unlike the
hash of its values, it distinguishes 0.0 from -0.0, 1.0 from 1.00, and 30 days from a month.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from orchestrator.adapters.contents import Shape, as_text, found_by_name
from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import FOREIGN, MATERIALIZED_VIEW, TABLE, VIEW
from orchestrator.reuse.table_columns import without_dlt

_KINDS = {"r": TABLE, "p": TABLE, "v": VIEW, "m": MATERIALIZED_VIEW, "f": FOREIGN}

_SHAPES = """
select n.nspname, c.relname, c.relkind::text,
    case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
    array(
        select array[a.attname::text, format_type(a.atttypid, a.atttypmod) || case
            when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end,
            (t.typsend <> 0)::text]
        from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ),
    c.reltuples::bigint,
    case when c.relkind = 'r' and not c.relhassubclass then pg_relation_size(c.oid) end,
    c.relkind in ('r', 'p') and c.relhassubclass and exists (
        with recursive below(id) as (
            select inhrelid from pg_catalog.pg_inherits where inhparent = c.oid
            union select i.inhrelid from pg_catalog.pg_inherits i join below b on i.inhparent = b.id
        )
        select from below join pg_catalog.pg_class d on d.oid = below.id where d.relkind = 'f'
    )
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {names}
"""

PLAIN_NAMES = "set local search_path = ''"
"""PostgreSQL writes view definitions with the schema of each name, except for schemas on the search path."""

_EMPTY = "''"
_SMALLEST_ROW = 28
"""The least number of bytes that a row takes on disk, with its header and its pointer."""
_TOO_LARGE = 2
"""The factor by which PostgreSQL's estimate must exceed the limit for a table not to be read: it may be outdated."""


def asks_for_shapes(relations: Collection[Relation]) -> str:
    """Return the catalog query for all relations with these names, with the columns that `shapes_of` reads."""
    # As written and in lower case, because it is not known whether dbt quotes the name.
    keys = ", ".join(
        f"({literal(schema)}, {literal(name)})"
        for schema, name in sorted({(r.schema, r.identifier) for r in relations} | {r.key() for r in relations})
    )
    return _SHAPES.format(names=f"(n.nspname::text, c.relname::text) in (values {keys})")


def shapes_of(relations: Collection[Relation], rows: Iterable[Sequence[Any]], database: str) -> dict[Relation, Shape]:
    """Convert the answer."""
    shapes = [
        Shape(
            database=database,
            schema=schema,
            name=name,
            kind=FOREIGN if has_foreign_parts else _KINDS[kind],
            columns=tuple((column, of_type) for column, of_type, _ in columns),
            definition=as_text(definition),
            most=None if size is None else int(size) // _SMALLEST_ROW,
            estimate=estimate if estimate >= 0 else None,  # -1: the table was never analyzed
            without_binary=frozenset(column for column, _, is_binary in columns if is_binary != "true"),
        )
        for schema, name, kind, definition, columns, estimate, size, has_foreign_parts in rows
    ]
    return found_by_name(relations, shapes, database=database, folded=str.lower)


def is_too_large(shape: Shape, limit: int) -> bool:
    """Return whether a table has more rows than the limit, even if PostgreSQL's estimate is outdated."""
    return shape.estimate is not None and shape.estimate > _TOO_LARGE * limit


def checksums(number: int, shape: Shape, limit: int) -> str:
    """Return the SELECT of number, row count and two checksums of a relation; reads at most one row above the limit.

    The second checksum includes dlt's own columns; it is empty if there are none.
    """
    own = without_dlt(shape.columns)
    has_others = len(own) < len(shape.columns)
    others = f", {_row(shape, shape.columns)} as e" if has_others else ""
    sums = f"count(*), {_sum('r')}, {_sum('e') if has_others else _EMPTY}"
    table = f"{quoted(shape.schema)}.{quoted(shape.name)}"
    return (
        f"select {number}, {sums} from"  # noqa: S608  # quoted names
        f" (select {_row(shape, own)} as r{others} from {table} limit {limit + 1}) as rows_{number}"
    )


def _sum(column: str) -> str:
    """Return the sum of two hashes of each row; the second has another seed."""
    first, second = (f"coalesce(sum(hashtextextended({column}, {seed})), 0)" for seed in (0, 1))
    return f"{first} || ':' || {second}"


def _row(shape: Shape, columns: Iterable[tuple[str, str]]) -> str:
    """Return the binary form of a row as text; values of a type without one are converted to text first."""
    values = (quoted(name) + ("::text" if name in shape.without_binary else "") for name, _ in columns)
    return f"encode(record_send(row({', '.join(values)})), 'hex')"
