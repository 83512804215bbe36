"""Sends the events of a command to its listeners, on a thread of their own, and isolates the run from them.

A listener that raises, is slow or blocks never changes or delays a run. Every listener receives every event in order.
"""

import logging
import math
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
LONGEST_AFTER_STOP = timedelta(seconds=10)
"""How long the end of a run that a user has stopped waits for its listeners, whatever their patience is."""
MOST_QUEUED = 10_000

Reread = Callable[[int, int], Iterable[Event]]
"""Returns the recorded events with these sequence numbers, from the first to the last."""


@dataclass(frozen=True, slots=True)
class _Missed:
    """Takes the place of events that did not fit into the queue: they are read from the record instead."""

    first: int
    last: int


class Audience:
    """The listeners of one command, and the queue of the events that they have not received yet.

    The queue holds at most `most` events that can be read again from the record. Any other event exists nowhere
    else, so it is always queued: losing it, or waiting for room, would be worse than the memory that it takes.
    """

    def __init__(
        self,
        listeners: Sequence[RunListener],
        clock: Callable[[], datetime],
        *,
        most: int | None = None,
        patience: timedelta | None = PATIENCE,
    ) -> None:
        """Set the listeners; one that needs longer than `patience` for one event receives no more. None: no limit."""
        self._listeners = tuple(listeners)
        self._clock = clock
        self._most = MOST_QUEUED if most is None else most
        self._patience = None if patience is None else patience.total_seconds()
        self._reread: Reread | None = None
        self._changed = threading.Condition()  # guards everything below
        self._queue: deque[tuple[Event, int | None] | _Missed] = deque()  # events, each with who does not receive it
        self._sending: tuple[Event, int | None] | None = None
        """The event that is sent now, and the listener that does not receive it."""
        self._at = 0  # the next listener that it is sent to
        self._since: float | None = None  # when the listener before that one began to process it
        self._is_reading = False
        self._is_closed = False
        self._is_stopped = False
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
        """Wait until the listeners have received everything, then end their thread.

        If a user has stopped the run, the wait is limited: its output may have a reader that does not read.
        """
        is_stopped = self._is_stopped or isinstance(error, KeyboardInterrupt)
        self.flush(LONGEST_AFTER_STOP.total_seconds() if is_stopped else math.inf)
        with self._changed:
            if self._sending is not None or self._queue:
                self._workers += 1  # the thread that is blocked in a listener sends no more
            self._queue.clear()
            self._is_closed = True
            self._changed.notify_all()

    def tell(self, event: Event, sequence: int | None = None) -> None:
        """Queue an event, without waiting; `sequence` is its number in the record, if it is recorded."""
        with self._changed:
            self.has_begun = self.has_begun or isinstance(event, RunStarted)
            if not self._listeners:
                return
            # The end is never dropped: to read it back, every event of the run would have to be read.
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
            elif self._sending is None:
                self._changed.notify_all()
            else:
                self._pass_over_blocked()

    def tell_at_once(self, event: Event) -> None:
        """Send an event, and wait until the listeners have received it, unless the run has begun."""
        self.tell(event)
        if not self.has_begun:
            self.flush()

    def note_stop(self) -> None:
        """Wait only a limited time for the listeners at the end, because a user wants the process to end."""
        self._is_stopped = True

    def flush(self, limit: float = math.inf) -> None:
        """Wait until the listeners have received everything, at most `limit` seconds."""
        until = time.monotonic() + limit
        # A listener that flushes would wait for itself.
        if threading.current_thread() is self._worker:
            return
        with self._changed:
            while self._sending is not None or self._is_reading or self._queue:
                left = until - time.monotonic()
                if left <= 0:
                    return
                self._pass_over_blocked()
                left = min(left, self._seconds_left())
                self._changed.wait(None if left == math.inf else left)

    @contextmanager
    def rereading(self, reread: Reread) -> Iterator[None]:
        """Read what does not fit into the queue from the record; at the end all of it, because the record is closed."""
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

    def _start(self) -> None:
        self._workers += 1
        self._worker = threading.Thread(target=self._work, args=(self._workers,), name="elt-listeners", daemon=True)
        self._worker.start()

    def _work(self, number: int) -> None:
        """Send the events until there will be no more, or another thread has taken over."""
        error: BaseException | None = None
        while (turn := self._next(number, error)) is not None:
            error = _hear(self._listeners[turn[0]], turn[1])

    def _next(self, number: int, error: BaseException | None) -> tuple[int, Event] | None:
        """Return the next listener and the event that it is to receive; `error` is what the last one raised."""
        with self._changed:
            # This thread was blocked in a listener, and another has taken over: nothing must be sent twice.
            if self._workers != number:
                return None
            self._since = None
            if error is not None and self._at - 1 not in self._reported:
                self._reported.add(self._at - 1)
                self._report(self._at - 1, error)
            while True:
                while self._sending is not None and self._at < len(self._listeners):
                    event, but = self._sending
                    self._at += 1
                    if self._at - 1 != but and self._at - 1 not in self._blocked:
                        self._since = time.monotonic()
                        return self._at - 1, event
                self._sending, self._at = None, 0
                if not self._queue:
                    self._changed.notify_all()
                    if self._is_closed:
                        return None
                    self._changed.wait()
                elif isinstance(entry := self._queue.popleft(), _Missed):
                    self._read_ahead(entry)
                else:
                    self._sending = entry

    def _read_ahead(self, missed: _Missed) -> None:
        """Queue missed events first, up to the limit; meanwhile the run can queue events, and need not wait."""
        last = min(missed.last, missed.first + self._most - 1)
        self._is_reading = True
        self._changed.release()
        try:
            found = self._read(_Missed(missed.first, last))
        finally:
            self._changed.acquire()
        # Both go to the front of the queue, so the events that come last are put there first.
        if last < missed.last:
            self._queue.appendleft(_Missed(last + 1, missed.last))
        self._queue.extendleft(reversed(found))
        self._is_reading = False
        self._changed.notify_all()

    def _read(self, missed: _Missed) -> list[tuple[Event, int | None]]:
        try:
            found = [] if self._reread is None else list(self._reread(missed.first, missed.last))
        except Exception as error:  # noqa: BLE001  # the run must not end because of its listeners
            _log.exception("events could not be read again", extra={"action": "listener_error"})
            message = f"events {missed.first} to {missed.last} of the run are not shown: {error}"
            return [(self._warning(message), None)]
        return [(event, None) for event in found]

    def _report(self, raised: int, error: BaseException) -> None:
        name = type(self._listeners[raised]).__name__
        is_shown = isinstance(error, EltError)
        message = str(error) if is_shown else f"{name} could not handle an event: {type(error).__name__}: {error}"
        # Not to the listener that raised: it might raise at the warning too, and so on forever.
        self._queue.appendleft((self._warning(message), raised))

    def _pass_over_blocked(self) -> None:
        """Continue without a listener that is blocked, on another thread."""
        if self._since is None or self._seconds_left() != 0:
            return
        blocked = self._at - 1
        name = type(self._listeners[blocked]).__name__
        message = f"{name} did not return for {self._patience:g} s; it receives no more events of this run"
        _log.warning("%s", message, extra={"action": "listener_blocked"})
        self._blocked.add(blocked)
        self._since = None
        # A blocked thread cannot be ended from outside. It is left behind: a daemon does not keep the process alive.
        self._queue.appendleft((self._warning(message), None))
        self._start()

    def _seconds_left(self) -> float:
        """Return how long the current listener may still take; infinite if there is no limit."""
        if self._patience is None:
            return math.inf
        now = time.monotonic()
        return max(0.0, (now if self._since is None else self._since) + self._patience - now)

    def _warning(self, message: str) -> Noticed:
        return Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=message)


def _hear(listener: RunListener, event: Event) -> BaseException | None:
    try:
        listener.hear(event)
    except BaseException as error:  # noqa: BLE001  # also sys.exit(), which would end the thread of all listeners
        _log.warning("a listener raised", exc_info=error, extra={"action": "listener_error"})
        return error
    return None
