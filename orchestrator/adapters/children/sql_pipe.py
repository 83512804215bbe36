"""Runs the SQL of a child process on the owner's cursors; it arrives through a channel.

During a run one process owns the warehouse. A child that needs SQL sends statements and receives buffered rows. The
channel serves one statement at a time, in order; a child with several cursors has as many in the owner.
"""

import importlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from orchestrator.adapters.children.wire import Channel, from_wire, to_wire
from orchestrator.faults import Point, passing


class OwnerCursor(Protocol):
    """A cursor of the owner: a DBAPI cursor with its own transaction, which can be interrupted."""

    @property
    def description(self) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own

    def execute(self, sql: str, parameters: Any = None) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own
    def fetchall(self) -> list[tuple[Any, ...]]: ...  # noqa: D102  # DBAPI's own
    def close(self) -> None: ...  # noqa: D102  # DBAPI's own
    def interrupt(self) -> None: ...  # noqa: D102  # DuckDB's own


class PipeAccess:
    """Connects children to a warehouse that only the owner can open: their SQL comes back through the channel."""

    kind = "duckdb"

    def __init__(self, open_cursor: Callable[[], OwnerCursor], place: str) -> None:
        self._open_cursor = open_cursor
        self.place = place
        """The database file, or `:memory:`."""

    def serve(self, channel: Channel) -> "SqlServer":
        """Start to answer the child's statements."""
        server = SqlServer(channel, self._open_cursor)
        server.start()
        return server


class SqlServer:
    """The owner's side: answers one child until that closes its end of the channel."""

    def __init__(self, channel: Channel, open_cursor: Callable[[], OwnerCursor]) -> None:
        self._channel = channel
        self._open_cursor = open_cursor
        self._cursors: dict[int, OwnerCursor] = {}
        self._ending = False
        self._thread = threading.Thread(target=self._serve, name="elt-sql-pipe", daemon=True)

    def start(self) -> None:
        """Start to answer on a separate thread."""
        self._thread.start()

    def interrupt(self) -> None:
        """Interrupt the statement that runs now; the child receives the database's error for it."""
        # A copy: the serving thread may add a cursor at the same time.
        for cursor in tuple(self._cursors.values()):
            with suppress(Exception):
                cursor.interrupt()

    def end(self) -> None:
        """Run no further statement, and interrupt until the current one has ended and every cursor is closed."""
        self._ending = True
        self._channel.shut()
        # One interrupt is not enough: it has no effect on a statement that is about to run but has not started.
        while self._thread.is_alive():
            self.interrupt()
            self._thread.join(0.02)

    def _serve(self) -> None:
        # The child has closed its end or has ended.
        with suppress(EOFError, OSError, ValueError):
            while not self._ending:
                self._channel.send(self._answer(self._channel.receive()))
        for cursor in self._cursors.values():
            with suppress(Exception):
                cursor.close()
        self._channel.close()

    def _answer(self, message: Mapping[str, Any]) -> Mapping[str, object]:
        try:
            if "close" in message:
                if message["close"] in self._cursors:
                    self._cursors.pop(message["close"]).close()
                return {"columns": None, "rows": []}
            return self._execute(message["cursor"], message["sql"], from_wire(message["parameters"]))
        except Exception as error:  # noqa: BLE001  # every database error is the child's
            # DuckDB's errors are in the module `_duckdb`; the child finds them under the public name.
            kind = type(error)
            return {"error": {"module": kind.__module__.lstrip("_"), "type": kind.__name__, "text": str(error)}}

    def _execute(self, number: int, sql: str, parameters: Any) -> Mapping[str, object]:  # noqa: ANN401  # DBAPI's own
        if number not in self._cursors:
            self._cursors[number] = self._open_cursor()
        cursor = self._cursors[number]
        passing(Point.CHILD_ASKED)
        cursor.execute(sql, parameters)
        passing(Point.CHILD_ANSWERED)
        if not cursor.description:
            return {"columns": None, "rows": []}
        columns = [[str(column[0]), str(column[1])] for column in cursor.description]
        return {"columns": columns, "rows": [to_wire(list(row)) for row in cursor.fetchall()]}


def _raised(error: Mapping[str, str]) -> Exception:
    """Return an error of the owner with its own type if the child has it too; the tools may differ in their version."""
    with suppress(ImportError):
        kind = getattr(importlib.import_module(error["module"]), error["type"], None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with suppress(Exception):  # a type that is made from other arguments
                return kind(error["text"])
    return RuntimeError(f"{error['type']}: {error['text']}")


class PipeConnection:
    """The child's side: a DBAPI connection whose cursors exist in the owner."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._next = 0

    def ask(self, message: Mapping[str, object]) -> Mapping[str, Any]:
        """Send one message and wait for its answer; raises the database's error."""
        with self._lock:
            # The lock keeps each answer with its request: the child's threads share one channel.
            self._channel.send(message)
            answer = self._channel.receive()
        if "error" in answer:
            raise _raised(answer["error"])
        return answer

    def cursor(self) -> "PipeCursor":
        """Open a cursor with its own transaction."""
        with self._lock:
            self._next += 1
            number = self._next
        return PipeCursor(self, number)

    def commit(self) -> None:
        """Do nothing: every cursor commits for itself."""

    def rollback(self) -> None:
        """Do nothing: every cursor rolls back for itself."""

    def close(self) -> None:
        """Close the channel; the owner then closes all cursors of this child."""
        self._channel.close()


class PipeCursor:
    """A DBAPI cursor that buffers its rows when it executes."""

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: PipeConnection, number: int) -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self._number = number
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> "PipeCursor":
        """Run one statement in the owner and keep its rows."""
        answer = self.connection.ask({"cursor": self._number, "sql": sql, "parameters": to_wire(parameters or None)})
        columns = answer["columns"]
        self.description = None if columns is None else tuple((*column, *[None] * 5) for column in columns)
        self._rows = (tuple(from_wire(row)) for row in answer["rows"])
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return at most `size` further rows."""
        wanted = range(self.arraysize if size is None else size)
        return [row for _, row in zip(wanted, self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all further rows."""
        return list(self._rows)

    def close(self) -> None:
        """Close the cursor in the owner; its open transaction is rolled back."""
        with suppress(Exception):
            self.connection.ask({"close": self._number})
