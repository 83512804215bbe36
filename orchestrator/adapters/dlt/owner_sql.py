"""Implements dlt's DuckDB connection on a cursor of the process that owns the warehouse."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from orchestrator.adapters.children.sql_pipe import PipeConnection
from orchestrator.adapters.dlt.dlt_bridge import OwnConnection

Parameters = Sequence[object] | dict[str, object] | None


class OwnerConnection:
    """Replaces a DuckDB connection for dlt: one cursor of the owner, with its own transaction."""

    def __init__(self, pipe: PipeConnection) -> None:
        self._cursor = pipe.cursor()
        self._whole = False
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.inserted = 0
        """The number of rows inserted since the last `whole` began."""

    def execute(self, sql: str, parameters: Parameters = None) -> "OwnerConnection":
        """Run a statement and keep its rows."""
        self._cursor.execute(sql, parameters)
        self.description = self._cursor.description
        rows = self._cursor.fetchall()
        # DuckDB reports the number of inserted rows as a result with the one column `Count`.
        if self.description and self.description[0][0] == "Count" and sql.lstrip()[:6].upper() == "INSERT":
            self.inserted += sum(int(row[0]) for row in rows)
        self._rows = iter(rows)
        return self

    sql = execute

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """Return at most `size` further rows."""
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all further rows."""
        return list(self._rows)

    def begin(self) -> None:
        """Begin a transaction, unless `whole` has already begun one."""
        if not self._whole:
            self.execute("BEGIN TRANSACTION")

    def commit(self) -> None:
        """Commit, unless inside `whole`, which commits at its end."""
        if not self._whole:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, unless inside `whole`, which rolls back when the error reaches it."""
        if not self._whole:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Run everything inside in one transaction, even if dlt begins and commits transactions in between."""
        self.execute("BEGIN TRANSACTION")
        self._whole, self.inserted = True, 0
        try:
            yield
        except BaseException:
            self._whole = False
            with suppress(Exception):  # DuckDB may have rolled back by itself
                self.rollback()
            raise
        self._whole = False
        self.commit()


class OwnerSqlClient(OwnConnection, DuckDbSqlClient):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's DuckDB SQL client on connections of the owner."""

    pipe: ClassVar[PipeConnection]

    def open_connection(self) -> OwnerConnection:
        """Open a cursor in the owner, with the settings of dlt's own connections."""
        connection = self.own_connection = OwnerConnection(self.pipe)
        connection.execute("SET SESSION TimeZone = 'UTC'")
        with suppress(Exception):  # the schema does not exist before the first load
            connection.execute(f"SET search_path = '{self.fully_qualified_dataset_name()}'")
        return connection

    @property
    def inserted(self) -> int:
        """Return the number of rows inserted since the last `whole` began."""
        return self.own_connection.inserted if self.own_connection is not None else 0

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Run everything inside in one transaction, even if dlt begins and commits transactions in between."""
        if self.own_connection is None:
            raise RuntimeError("a job runs without a connection")
        with self.own_connection.whole():
            yield

    def close_connection(self) -> None:
        """Close the cursor in the owner."""
        if self.own_connection is not None:
            self.own_connection.close()
            self.own_connection = None
