"""Opens connections to PostgreSQL, and explains in one sentence why one could not be opened."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE

from orchestrator.adapters.postgres.login import Login
from orchestrator.errors import WarehouseConnectionError
from orchestrator.statement_watch import STATEMENT_WATCH, WatchedStatement, shut_down

_PATIENCE = 2
"""Seconds to wait for a server that does not answer, when a query is cancelled."""
WATCH = """
    select set_config(name, '2s', false) from pg_settings where name = 'client_connection_check_interval'
"""
"""Makes the server notice within seconds that a client is gone while its statement runs; since PostgreSQL 14."""


def connect(login: Login, *, search_path: str | None = None, as_role: bool = True, **options: Any) -> Any:  # noqa: ANN401  # psycopg2 ships without types
    """Open a connection in autocommit mode."""
    connection = psycopg2.connect(**login.arguments(search_path=search_path, as_role=as_role), **options)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor, STATEMENT_WATCH.over(WatchedStatement(connection, login.connect_timeout)):
            cursor.execute(WATCH)
    except BaseException:
        connection.close()
        raise
    return connection


def cancel_query(login: Login, pid: int) -> None:
    """Cancel what a session runs, unlike psycopg2's `cancel` without blocking all threads until the server answers."""
    with (
        closing(connect(replace(login, connect_timeout=_PATIENCE), as_role=False)) as connection,
        connection.cursor() as cursor,
        STATEMENT_WATCH.over(WatchedStatement(connection, _PATIENCE)),
    ):
        cursor.execute("select pg_cancel_backend(%s)", [pid])


def end_if_busy(connection: Any) -> None:  # noqa: ANN401  # as above
    """End the query that another thread runs on a connection, even if the server does not answer."""
    if connection.info.transaction_status == TRANSACTION_STATUS_ACTIVE:
        shut_down(connection)


def cannot_connect(login: Login, message: str, *, target: str) -> WarehouseConnectionError:
    """Return the error that names the unreachable database and its target, the reason and a hint; no password."""
    reason = _reason(message.replace(login.password, "***") if login.password else message)
    return WarehouseConnectionError(
        f"Cannot connect to PostgreSQL at {login.host}, port {login.port}, database {login.database}, user {login.user}"
        f" ({target}): {reason}",
        hint=_hint(reason),
    )


def _reason(message: str) -> str:
    """Return the reason of the last attempt: libpq repeats the address before it, and tries every address of a host."""
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    reasons = [line.rpartition(" failed: ")[2] for line in lines if " failed: " in line]
    return (reasons[-1] if reasons else " ".join(lines)).removeprefix("FATAL:").strip() or "no reason was given"


def _hint(reason: str) -> str:
    if "SSL" in reason or "certificate" in reason:
        return "Check `sslmode`, `sslcert`, `sslkey` and `sslrootcert` of the target in profiles.yml."
    if "authentication" in reason or "password" in reason or "pg_hba.conf" in reason:
        return "Check `user` and `password` of the target in profiles.yml, and what pg_hba.conf allows."
    if reason.startswith(("database ", "role ")) and "does not exist" in reason:
        return "Create it on the server, or correct `dbname`, `user` or `role` of the target in profiles.yml."
    if "too many" in reason or "remaining connection slots" in reason:
        return "The server has no connection to spare: lower `threads`, or raise max_connections."
    return "Start the server, or correct `host` and `port` of the target in profiles.yml."
