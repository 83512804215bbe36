"""Reads what a build made in PostgreSQL, on dbt's own connection and inside the build's transaction.

The SQL is that of `PostgresServer.contents`, so that what is read later compares with it. It runs within a savepoint:
an error does no harm to the build.
"""

from collections.abc import Callable
from typing import Any

import psycopg2

from orchestrator.adapters.contents import Built
from orchestrator.adapters.postgres import content
from orchestrator.adapters.sql_words import literal
from orchestrator.reuse.facts import VIEW, Content


def content_in_postgres(handle: Any, built: Built) -> Content | None:  # noqa: ANN401  # psycopg2's connection
    """Return what was built in PostgreSQL; None if there is no such relation, or if it cannot be read."""
    with handle.cursor() as cursor:

        def ask(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

        ask("savepoint elt_content")
        try:
            found = _content(ask, built)
        except psycopg2.Error:
            ask("rollback to savepoint elt_content")
            found = None
        ask("release savepoint elt_content")
        return found


def _content(ask: Callable[[str], list[Any]], built: Built) -> Content | None:
    [(path,)] = [("",)] if built.is_table else ask("select current_setting('search_path')")
    if not built.is_table:
        ask(content.PLAIN_NAMES)
    rows = ask(content.asks_for_shapes([built.relation]))
    if not built.is_table:
        ask(f"select set_config('search_path', {literal(path)}, true)")
    shape = content.shapes_of([built.relation], rows, built.relation.database or "").get(built.relation)
    if shape is None:
        return None
    if shape.kind == VIEW:
        return shape.without_rows()
    [answer] = ask(content.checksums(0, shape, built.most_rows))
    return shape.read(answer, built.most_rows)
