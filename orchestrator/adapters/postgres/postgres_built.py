"""Reads the content of a build in PostgreSQL, on dbt's own connection and inside the build's transaction.

The SQL is that of `PostgresServer.contents`, so that contents read later are comparable. It runs within a savepoint, so
that an error does not affect the build. A hook outside the transaction may have ended it; PostgreSQL then refuses
savepoints, and the content is read in a transaction of its own.
"""

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from orchestrator.adapters.contents import Built
from orchestrator.adapters.postgres import postgres_content as content
from orchestrator.adapters.sql_words import literal
from orchestrator.reuse.facts import VIEW, Content

_WITHIN = ("savepoint elt_content", "rollback to savepoint elt_content", "release savepoint elt_content")
_ALONE = ("begin", "rollback; begin", "commit")


def content_in_postgres(handle: Any, built: Built) -> Content | None:  # noqa: ANN401  # psycopg2's connection
    """Return the content of what was built in PostgreSQL; None if it does not exist or cannot be read."""
    with handle.cursor() as cursor:

        def ask(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

        begin, undo, end = _WITHIN if in_transaction(handle) else _ALONE
        ask(begin)
        try:
            found = _content(ask, built)
        except psycopg2.Error:
            ask(undo)
            found = None
        ask(end)
        return found


def in_transaction(handle: Any) -> bool:  # noqa: ANN401  # psycopg2's connection
    """Return whether the server is in a transaction: psycopg2 itself does not notice a `commit` inside SQL."""
    return bool(handle.info.transaction_status != TRANSACTION_STATUS_IDLE)


def _content(ask: Callable[[str], list[Any]], built: Built) -> Content | None:
    [(path,)] = ask("select current_setting('search_path')")
    ask(content.PLAIN_NAMES)  # names of types are then written with their schema too
    rows = ask(content.asks_for_shapes([built.relation]))
    # dbt's further statements in this transaction need the path.
    ask(f"select set_config('search_path', {literal(path)}, true)")
    shape = content.shapes_of([built.relation], rows, built.relation.database or "").get(built.relation)
    if shape is None:
        return None
    if shape.kind == VIEW:
        return shape.without_rows()
    [answer] = ask(content.checksums(0, shape, built.most_rows))
    return shape.read(answer, built.most_rows)
