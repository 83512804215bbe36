"""SQLAlchemy's dialect of psycopg2, with a limit for every answer of the server."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from orchestrator.statement_watch import STATEMENT_WATCH, WatchedStatement

MOST_SECONDS = 60.0
"""How long a statement may take. Those of the record take milliseconds, or wait for the lock of another run."""


class BoundedDialect(PGDialect_psycopg2):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Bounds what waits for the server, except for a new connection: libpq has a limit for that."""

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # SQLAlchemy's own
        # hstore would be asked for at each connection, without a limit; the record does not use it.
        super().__init__(**options, use_native_hstore=False)
        self.most_seconds = MOST_SECONDS

    def do_execute(self, cursor: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as above
        """Run a statement."""
        return self._bounded(cursor.connection, super().do_execute, cursor, *arguments, **options)

    def do_execute_no_params(self, cursor: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as above
        """Run a statement without parameters."""
        return self._bounded(cursor.connection, super().do_execute_no_params, cursor, *arguments, **options)

    def do_executemany(self, cursor: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as above
        """Run a statement for each set of parameters."""
        return self._bounded(cursor.connection, super().do_executemany, cursor, *arguments, **options)

    def do_commit(self, dbapi_connection: Any) -> Any:  # noqa: ANN401  # as above
        """Commit."""
        return self._bounded(dbapi_connection, super().do_commit, dbapi_connection)

    def do_rollback(self, dbapi_connection: Any) -> Any:  # noqa: ANN401  # as above
        """Roll back."""
        return self._bounded(dbapi_connection, super().do_rollback, dbapi_connection)

    def do_ping(self, dbapi_connection: Any) -> Any:  # noqa: ANN401  # as above
        """Ask whether a connection of the pool still works."""
        return self._bounded(dbapi_connection, super().do_ping, dbapi_connection)

    def _bounded(self, connection: Any, ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as above
        statement = WatchedStatement(connection, self.most_seconds)
        try:
            with STATEMENT_WATCH.over(statement):
                return ask(*arguments, **options)
        except self.dbapi.Error as error:
            if not statement.is_cut:
                raise
            raise self.dbapi.OperationalError("the server stopped answering") from error
