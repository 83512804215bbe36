"""Reads what a build made, on dbt's own connection and inside the build's transaction.

The SQL is that of `contents` of the warehouse, so that what is read later compares with it. A statement that fails
aborts the transaction of DuckDB; so nothing is asked of a relation before the catalog says that it exists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.adapters.contents import Shape, too_many
from orchestrator.adapters.duckdb import content as duckdb_content
from orchestrator.adapters.postgres import content as postgres_content
from orchestrator.adapters.sql_words import literal
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import VIEW, Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built, and how much of it is read."""

    relation: Relation
    is_table: bool
    """Whether dbt's own materialization made it, which always makes a table."""
    writes_file: bool
    """Whether it is a view over a file that the build wrote: then its rows are read, too."""
    most_rows: int


def content_in_duckdb(handle: Any, built: Built, settings: Mapping[str, Any]) -> Content | None:  # noqa: ANN401  # dbt's
    """Return what was built in DuckDB; None if there is no such relation. `settings` are those of dbt's sessions."""
    cursor = handle.cursor()
    names = built.relation.database or "", built.relation.schema, built.relation.identifier
    definition: str | None = None
    if not built.is_table:
        for kind, query in duckdb_content.LOOK_UPS.items():
            asked = query.format(**dict(zip(("database", "schema", "name"), map(_lower, names), strict=True)))
            found = cursor.execute(asked).fetchall()
            if found:
                definition = found[0][0] if kind == VIEW else None
                break
        else:
            return None
    shape = duckdb_content.shape_in_transaction(*names, (), definition)
    described = cursor.execute(f"describe {duckdb_content.named(shape)}").fetchall()
    shape = duckdb_content.shape_in_transaction(*names, described, definition)
    if shape.kind == VIEW:
        return _rows_of_file(cursor, shape, built.most_rows, settings) if built.writes_file else shape.without_rows()
    [(count,)] = cursor.execute(duckdb_content.asks_for_count(shape)).fetchall()
    if count > built.most_rows:
        return shape.without_rows(too_many(built.most_rows), count=count)
    shape = replace(shape, most=count)
    [answer] = cursor.execute(duckdb_content.checksums(0, shape, built.most_rows)).fetchall()
    return shape.read(answer, built.most_rows)


def _rows_of_file(cursor: Any, shape: Shape, most_rows: int, settings: Mapping[str, Any]) -> Content:  # noqa: ANN401
    """Read the rows of a view over files on a cursor of its own, where an error does no harm to the build."""
    import duckdb

    query = duckdb_content.body_of(shape.definition)
    if query is None:
        return shape.without_rows("its definition has another form than expected")
    with cursor.cursor() as beside:
        try:
            for name, value in settings.items():
                beside.execute(f"set {name} = {literal(str(value))}")
            [answer] = beside.execute(duckdb_content.checksums(0, shape, most_rows, source=f"({query})")).fetchall()
        except duckdb.Error as error:
            return shape.without_rows(str(error).strip().splitlines()[0])
    return shape.read(answer, most_rows)


def content_in_postgres(handle: Any, built: Built) -> Content | None:  # noqa: ANN401  # psycopg2's connection
    """Return what was built in PostgreSQL; None if there is no such relation, or if it cannot be read."""
    import psycopg2

    with handle.cursor() as cursor:

        def ask(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

        ask("savepoint elt_content")
        try:
            content = _postgres_content(ask, built)
        except psycopg2.Error:
            ask("rollback to savepoint elt_content")
            content = None
        ask("release savepoint elt_content")
        return content


def _postgres_content(ask: Callable[[str], list[Any]], built: Built) -> Content | None:
    [(path,)] = [("",)] if built.is_table else ask("select current_setting('search_path')")
    if not built.is_table:
        ask(postgres_content.PLAIN_NAMES)
    rows = ask(postgres_content.asks_for_shapes([built.relation]))
    if not built.is_table:
        ask(f"select set_config('search_path', {literal(path)}, true)")
    shape = postgres_content.shapes_of([built.relation], rows, built.relation.database or "").get(built.relation)
    if shape is None:
        return None
    if shape.kind == VIEW:
        return shape.without_rows()
    [answer] = ask(postgres_content.checksums(0, shape, built.most_rows))
    return shape.read(answer, built.most_rows)


def _lower(name: str) -> str:
    return literal(name.lower())
