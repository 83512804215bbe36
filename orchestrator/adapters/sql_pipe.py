"""Runs the SQL of a child process on the owner's cursors; it arrives through a pipe.

During a run one process owns the warehouse. A child that needs SQL sends statements and receives buffered rows. The
pipe serves one statement at a time, in order; a child with several cursors has as many in the owner.
"""

import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from orchestrator.faults import Point, passing


class OwnerCursor(Protocol):
    """A cursor of the owner: a DBAPI cursor with its own transaction, which can be interrupted."""

    @property
    def description(self) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own

    def execute(self, sql: str, parameters: Any = None) -> Any: ...  # noqa: ANN401, D102  # DBAPI's own
    def fetchall(self) -> list[tuple[Any, ...]]: ...  # noqa: D102  # DBAPI's own
    def close(self) -> None: ...  # noqa: D102  # DBAPI's own
    def interrupt(self) -> None: ...  # noqa: D102  # DuckDB's own


@dataclass(frozen=True, slots=True)
class _Execute:
    cursor: int
    sql: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class _Close:
    cursor: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The buffered result of one statement."""

    description: tuple[tuple[Any, ...], ...] | None
    rows: list[tuple[Any, ...]]


class PipeAccess:
    """Connects children to a warehouse that only the owner can open: their SQL comes back through the pipe."""

    kind = "duckdb"

    def __init__(self, open_cursor: Callable[[], OwnerCursor], place: str) -> None:
        self._open_cursor = open_cursor
        self.place = place
        """The database file, or `:memory:`."""

    def serve(self, pipe: Connection) -> "SqlServer":
        """Start to answer the child's statements."""
        server = SqlServer(pipe, self._open_cursor)
        server.start()
        return server


class SqlServer:
    """The owner's side: answers one child until that closes its end of the pipe."""

    def __init__(self, connection: Connection, open_cursor: Callable[[], OwnerCursor]) -> None:
        self._connection = connection
        self._open_cursor = open_cursor
        self._cursors: dict[int, OwnerCursor] = {}
        self._stopped = threading.Event()
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

    def join(self, seconds: float | None = None) -> None:
        """Wait until the child has closed its end."""
        self._thread.join(seconds)

    def stop(self, seconds: float = 2.0) -> None:
        """Answer no further messages, and interrupt until the current statement has ended."""
        self._stopped.set()
        # One interrupt is not enough: it has no effect on a statement that is about to run but has not started.
        until = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < until:
            self.interrupt()
            self._thread.join(0.02)

    def _serve(self) -> None:
        # The child has closed its end or has ended.
        with suppress(EOFError, OSError):
            while not self._stopped.is_set():
                self._reply(self._answer(self._connection.recv()))
        for cursor in self._cursors.values():
            with suppress(Exception):
                cursor.close()
        self._connection.close()

    def _reply(self, answer: Answer | Exception) -> None:
        """Send the answer; if rows cannot be pickled send an error, because the child would wait forever."""
        try:
            self._connection.send(answer)
        except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
            self._connection.send(RuntimeError(f"the rows cannot be sent: {error}"))

    def _answer(self, message: _Execute | _Close) -> Answer | Exception:
        try:
            if isinstance(message, _Close):
                if message.cursor in self._cursors:
                    self._cursors.pop(message.cursor).close()
                return Answer(None, [])
            return self._execute(message)
        except Exception as error:  # noqa: BLE001  # every database error is the child's
            return _portable(error)

    def _execute(self, message: _Execute) -> Answer:
        if message.cursor not in self._cursors:
            self._cursors[message.cursor] = self._open_cursor()
        cursor = self._cursors[message.cursor]
        passing(Point.CHILD_ASKED)
        cursor.execute(message.sql, message.parameters)
        passing(Point.CHILD_ANSWERED)
        if not cursor.description:
            return Answer(None, [])
        columns = tuple((str(c[0]), str(c[1]), None, None, None, None, None) for c in cursor.description)
        return Answer(columns, cursor.fetchall())


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent through the pipe, with its own type if that can be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    except Exception:  # noqa: BLE001  # an error that cannot be pickled is sent as text
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


class PipeConnection:
    """The child's side: a DBAPI connection whose cursors exist in the owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._next = 0

    def ask(self, message: object) -> Answer:
        """Send one message and wait for its answer; raises the database's error."""
        with self._lock:
            # The lock keeps each answer with its request: the child's threads share one pipe.
            self._connection.send(message)
            answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Answer):
            raise TypeError(f"the owner of the warehouse answered {type(answer).__name__}")
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
        """Close the pipe; the owner then closes all cursors of this child."""
        with suppress(OSError):
            self._connection.close()


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
        answer = self.connection.ask(_Execute(self._number, sql, parameters or None))
        self.description = answer.description
        self._rows = iter(answer.rows)
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
            self.connection.ask(_Close(self._number))
