"""Sends the events of a command to its listeners, on a thread of their own, and isolates the run from them.

A listener that raises, is slow or blocks never changes or delays a run. Every listener receives every event in order.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from orchestrator.errors import EltError
from orchestrator.execution.events import Event, Noticed, NoticeKind, RunEnded, RunStarted
from orchestrator.execution.ports import RunListener

_log = logging.getLogger(__name__)
PATIENCE = timedelta(seconds=60)
MOST_QUEUED = 10_000

Reread = Callable[[int, int], Iterable[Event]]
"""Returns the recorded events with these sequence numbers, from the first to the last."""


@dataclass(frozen=True, slots=True)
class _Missed:
    """Takes the place of events that did not fit into the queue: they are read from the record instead."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Hearing:
    """A listener that processes an event now."""

    event: Event
    but: int | None
    listener: int
    since: float


class Audience:
    """The listeners of one command, and the queue of the events that they have not received yet.

    The queue holds at most `most` events that can be read again from the record. Any other event is held by nothing
    else, so it is always queued: losing it, or waiting for room, would be worse than the memory that it takes.
    """

    def __init__(
        self,
        listeners: Sequence[RunListener],
        clock: Callable[[], datetime],
        *,
        most: int = MOST_QUEUED,
        patience: timedelta | None = PATIENCE,
    ) -> None:
        """Set the listeners; one that needs longer than `patience` for one event receives no more. None: no limit."""
        self._listeners = tuple(listeners)
        self._clock = clock
        self._most = most
        self._patience = None if patience is None else patience.total_seconds()
        self._reread: Reread | None = None
        self._changed = threading.Condition()  # guards everything below
        self._queue: deque[tuple[Event, int | None] | _Missed] = deque()  # events, each with who does not receive it
        self._hearing: _Hearing | None = None
        self._is_busy = False
        self._is_reading = False
        self._is_closed = False
        self._workers = 0
        """The number of threads started; only the last one works, an earlier one is blocked in a listener."""
        self._worker: threading.Thread | None = None
        self._blocked: set[int] = set()
        self._reported: set[int] = set()
        self.has_begun = False
        """Whether the run has started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the listeners have received everything, then end their thread."""
        self.flush()
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def tell(self, event: Event, sequence: int | None = None) -> None:
        """Queue an event, without waiting; `sequence` is its number in the record, if it is recorded."""
        with self._changed:
            self.has_begun = self.has_begun or isinstance(event, RunStarted)
            if not self._listeners:
                return
            is_kept = sequence is not None and self._reread is not None and not isinstance(event, RunStarted | RunEnded)
            last = self._queue[-1] if self._queue else None
            if is_kept and sequence is not None and isinstance(last, _Missed):
                self._queue[-1] = _Missed(last.first, sequence)
            elif is_kept and sequence is not None and len(self._queue) >= self._most:
                self._queue.append(_Missed(sequence, sequence))
            else:
                self._queue.append((event, None))
            if self._worker is None:
                self._start()
            self._pass_over_blocked()
            self._changed.notify_all()

    def tell_at_once(self, event: Event) -> None:
        """Send an event, and wait until the listeners have received it."""
        self.tell(event)
        self.flush()

    def flush(self) -> None:
        """Wait until the listeners have received everything."""
        if threading.current_thread() is self._worker:
            return
        with self._changed:
            while self._is_busy or self._queue:
                self._pass_over_blocked()
                self._changed.wait(self._seconds_left())

    @contextmanager
    def rereading(self, reread: Reread) -> Iterator[None]:
        """Read what does not fit into the queue from the record, which may be closed afterwards."""
        self._reread = reread
        try:
            yield
        finally:
            with self._changed:
                while self._is_reading:
                    self._changed.wait()
                entries, self._queue = self._queue, deque()
                for entry in entries:
                    self._queue.extend(self._read(entry) if isinstance(entry, _Missed) else [entry])
                self._reread = None

    def _start(self, hearing: _Hearing | None = None) -> None:
        self._workers += 1
        arguments = (self._workers, hearing)
        self._worker = threading.Thread(target=self._work, args=arguments, name="elt-listeners", daemon=True)
        self._worker.start()

    def _work(self, number: int, hearing: _Hearing | None) -> None:
        """Send event after event; `hearing` is where a thread stopped that is blocked now."""
        if hearing is not None and not self._send(number, hearing.event, hearing.but, hearing.listener + 1):
            return
        while (entry := self._next(number)) is not None:
            if not self._send(number, *entry, 0):
                return

    def _next(self, number: int) -> tuple[Event, int | None] | None:
        """Return the next event, with the listener that does not receive it; None if there will be none."""
        with self._changed:
            while self._workers == number:
                if not self._queue:
                    self._is_busy = False
                    self._changed.notify_all()
                    if self._is_closed:
                        return None
                    self._changed.wait()
                    continue
                self._is_busy = True
                entry = self._queue.popleft()
                if not isinstance(entry, _Missed):
                    return entry
                self._is_reading = True
                self._changed.release()  # the run must not wait for the record
                try:
                    found = self._read(entry)
                finally:
                    self._changed.acquire()
                self._queue.extendleft(reversed(found))
                self._is_reading = False
                self._changed.notify_all()
        return None

    def _send(self, number: int, event: Event, but: int | None, first: int) -> bool:
        """Send an event to the listeners from the first one on; return False if another thread has taken over."""
        for at in range(first, len(self._listeners)):
            if at == but or at in self._blocked:
                continue
            with self._changed:
                self._hearing = _Hearing(event, but, at, time.monotonic())
            error = _hear(self._listeners[at], event)
            with self._changed:
                if self._workers != number:
                    return False
                self._hearing = None
                if error is not None and at not in self._reported:
                    self._reported.add(at)
                    self._report(at, error)
        return True

    def _read(self, missed: _Missed) -> list[tuple[Event, int | None]]:
        try:
            found = [] if self._reread is None else list(self._reread(missed.first, missed.last))
        except Exception as error:  # noqa: BLE001  # the run must not end because of its listeners
            _log.exception("events could not be read again", extra={"action": "listener_error"})
            told = f"events {missed.first} to {missed.last} of the run are not shown: {error}"
            return [(self._warning(told), None)]
        return [(event, None) for event in found]

    def _report(self, raised: int, error: Exception) -> None:
        name = type(self._listeners[raised]).__name__
        is_told = isinstance(error, EltError)
        message = str(error) if is_told else f"{name} could not take note of the run: {type(error).__name__}: {error}"
        self._queue.appendleft((self._warning(message), raised))

    def _pass_over_blocked(self) -> None:
        """Continue without a listener that is blocked, on another thread."""
        hearing, left = self._hearing, self._seconds_left()
        if hearing is None or left is None or left > 0:
            return
        name = type(self._listeners[hearing.listener]).__name__
        message = f"{name} did not return for {self._patience:g} s; it receives no more events of this run"
        _log.warning("%s", message, extra={"action": "listener_blocked"})
        self._blocked.add(hearing.listener)
        self._hearing = None
        self._queue.appendleft((self._warning(message), None))
        self._start(hearing)

    def _seconds_left(self) -> float | None:
        """Return how long the current listener may still take; None if there is no limit."""
        if self._patience is None:
            return None
        since = time.monotonic() if self._hearing is None else self._hearing.since
        return max(0.0, since + self._patience - time.monotonic())

    def _warning(self, message: str) -> Noticed:
        return Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=message)


def _hear(listener: RunListener, event: Event) -> Exception | None:
    try:
        listener.hear(event)
    except Exception as error:  # noqa: BLE001  # an error of a listener must never change the run
        _log.warning("a listener raised", exc_info=error, extra={"action": "listener_error"})
        return error
    return None
