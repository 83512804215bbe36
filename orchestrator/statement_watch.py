"""Ends statements for which a server takes too long, from a thread of its own.

libpq waits for an answer in C and without a limit: a server that is frozen, or behind a broken network, would hold the
process for ever, and Python would handle no signal. Shutting down the socket ends the wait with an error.
"""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

HURRIED_SECONDS = 2.0
"""How long a statement goes on after a signal, which Python handles when the statement has ended."""
_LOOK_SECONDS = 0.5
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WatchedStatement:
    """A statement for whose answer a connection waits."""

    def __init__(self, connection: Any, seconds: float) -> None:  # noqa: ANN401  # psycopg2's connection
        self._connection = connection
        self.until = time.monotonic() + seconds
        self.is_cut = False

    def cut(self) -> None:
        """End the wait for the answer."""
        self.is_cut = True
        shut_down(self._connection)


def shut_down(connection: Any) -> None:  # noqa: ANN401  # as above
    """Shut down the socket of a connection, which is left to the connection to close."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


class StatementWatch:
    """Watches the statements that are in progress; its thread begins with the first."""

    def __init__(self) -> None:
        self._in_progress: set[WatchedStatement] = set()
        self._thread: threading.Thread | None = None
        self._told = -1

    @contextmanager
    def over(self, statement: WatchedStatement) -> Iterator[None]:
        """Watch a statement until the context exits; a signal that comes meanwhile is handled then."""
        if self._thread is None or not self._thread.is_alive():  # a forked process has only the thread that forked
            self._begin()
        with self._signals_held():
            self._in_progress.add(statement)
            try:
                yield
            finally:
                self._in_progress.discard(statement)

    def _begin(self) -> None:
        signalled, self._told = os.pipe()
        os.set_blocking(self._told, False)
        self._thread = threading.Thread(target=self._look, args=[signalled], name="elt-statements", daemon=True)
        self._thread.start()

    @contextmanager
    def _signals_held(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        held = _HeldSignals()
        # Python writes to this file as soon as a signal comes, whatever the main thread waits for.
        before = signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            held.release()

    def _look(self, signalled: int) -> None:
        while True:
            came, _, _ = select.select([signalled], [], [], _LOOK_SECONDS)
            now = time.monotonic()
            if came:
                os.read(signalled, 4096)
            for statement in tuple(self._in_progress):
                if came:
                    statement.until = min(statement.until, now + HURRIED_SECONDS)
                if now >= statement.until and not statement.is_cut:
                    statement.cut()


STATEMENT_WATCH = StatementWatch()
"""The watch of this process."""


class _HeldSignals:
    """Keeps signals back. psycopg2 drops what a handler raises, because it runs Python while it makes an error."""

    def __init__(self) -> None:
        self._came: list[tuple[int, FrameType | None]] = []
        self._is_holding = True
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        for number in _HELD:
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._take)

    def release(self) -> None:
        """Restore the handlers, and call those of the signals that came."""
        self._is_holding = False
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for number, frame in self._came:
            self._handlers[number](number, frame)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_holding:
            self._came.append((number, frame))
        else:  # while the handlers are restored
            self._handlers[number](number, frame)
