"""Provides a read-only DBAPI connection: one cursor of the warehouse, in one snapshot of the data."""

from contextlib import suppress
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self

_FLOAT_DIGITS = 15


class DatabaseError(Exception):
    """An error with the database's own message; SQLAlchemy requires the driver to have such a class."""


class ProgrammingError(DatabaseError):
    """The statement is invalid; GX looks for this name."""


class WarehouseCursor(Protocol):
    """A DBAPI cursor with its own transaction, which SQL begins and ends."""

    @property
    def description(self) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own

    def execute(self, sql: str, parameters: Any = None) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own
    def fetchall(self) -> list[tuple[Any, ...]]: ...  # noqa: D102  # DBAPI's own
    def close(self) -> None: ...  # noqa: D102  # DBAPI's own


class ReadOnlyConnection:
    """One cursor as a DBAPI connection: every statement reads the same snapshot of the data."""

    def __init__(self, cursor: WarehouseCursor, *, begin: str) -> None:
        self._cursor = cursor
        self._begin = begin
        self._open = False

    def read(self, sql: str, parameters: Any = None) -> WarehouseCursor:  # noqa: ANN401  # DBAPI's own
        """Run one statement; the database refuses one that would write."""
        try:
            if not self._open:
                self._cursor.execute(self._begin)
                self._open = True
            self._cursor.execute(sql, parameters)
        except Exception as error:
            self._end_snapshot()  # after an error the database refuses all statements in that transaction
            raise ProgrammingError(str(error).strip()) from error
        return self._cursor

    def cursor(self) -> "ReadOnlyCursor":
        """Open a cursor; all cursors of the connection share the warehouse's cursor."""
        return ReadOnlyCursor(self)

    def commit(self) -> None:
        """Do nothing: nothing was written."""

    def rollback(self) -> None:
        """Do nothing: SQLAlchemy rolls back whenever it releases a connection, but the snapshot must stay."""

    def close(self) -> None:
        """Do nothing: SQLAlchemy may close the connection at any time; the validation ends it."""

    def end(self) -> None:
        """End the snapshot and close the cursor."""
        self._end_snapshot()
        self._cursor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _end_snapshot(self) -> None:
        if self._open:
            self._open = False
            with suppress(Exception):  # the connection may be lost, which has been reported already
                self._cursor.execute("rollback")


class ReadOnlyCursor:
    """A DBAPI cursor that keeps its rows: GX fetches them after it has released the connection."""

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: ReadOnlyConnection) -> None:
        self.connection = connection
        self.description: Any = None
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, parameters: Any = None) -> None:  # noqa: ANN401  # DBAPI's own
        """Run one statement and keep its rows."""
        result = self.connection.read(sql, parameters)
        self.description = result.description
        self._rows = [tuple(map(_number, row)) for row in result.fetchall()] if result.description else []

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None after the last."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return at most `size` further rows."""
        count = self.arraysize if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all further rows."""
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        """Do nothing: GX may still read the rows."""


def _number(value: object) -> object:
    """Return a decimal of up to 15 digits as a float: JSON has floats, and Decimal('4.40') does not equal 4.4."""
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= _FLOAT_DIGITS:
        return float(value)
    return value


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
