"""Provides a connection that counts the rows its statements insert."""

from typing import Any

from psycopg2.extensions import connection, cursor


class CountingConnection(connection):
    """A psycopg2 connection; `inserted` is reset by the caller."""

    inserted = 0

    def cursor(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # psycopg2's own
        """Open a cursor that counts."""
        return super().cursor(*args, **{"cursor_factory": CountingCursor, **options})


class CountingCursor(cursor):
    """A psycopg2 cursor that adds to the count of its connection."""

    connection: CountingConnection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002, ANN401  # psycopg2's own
        """Run a statement, and count the rows of an INSERT."""
        super().execute(query, vars)
        if (self.statusmessage or "").startswith("INSERT"):
            self.connection.inserted += max(0, self.rowcount)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:  # noqa: ANN401  # psycopg2's own
        """Copy rows from a file, and count them; psycopg2 sets no status message for a copy."""
        super().copy_expert(sql, file, size)
        self.connection.inserted += max(0, self.rowcount)
