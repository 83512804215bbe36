"""Passes messages from other threads to the run loop: outcomes of steps, and notices for the user."""

from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Event

from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.outcome import Outcome, masked_outcome
from orchestrator.masking import Masker
from orchestrator.plan.step import StepId


def _now() -> datetime:
    return datetime.now(UTC)


class Inbox:
    """A queue into which any thread can put without blocking, and from which one thread takes."""

    def __init__(self, clock: Callable[[], datetime] = _now, masker: Masker | None = None) -> None:
        """Create an empty inbox; the masker hides secrets, and without one nothing is secret."""
        self.masker = masker or Masker()
        self._clock = clock
        self._queue: SimpleQueue[Outcome | Noticed] = SimpleQueue()
        # `take` waits for this event instead of the queue:
        # a SimpleQueue that a signal interrupts near its timeout blocks forever.
        self._filled = Event()

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Add a notice; the listeners receive notices in the order in which they were posted."""
        self._put(Noticed(at=self._clock(), kind=kind, message=self.masker.text(message), step_id=step_id))

    def deliver(self, outcome: Outcome) -> None:
        """Add the outcome of a step."""
        self._put(masked_outcome(outcome, self.masker))

    def take(self, timeout: float) -> Outcome | Noticed | None:
        """Return the oldest entry, or None if none arrives within `timeout` seconds."""
        # Clear before the look: an entry that arrives after it sets the event again, and so is not missed.
        self._filled.clear()
        entry = self._oldest()
        if entry is None and timeout > 0 and self._filled.wait(timeout):
            entry = self._oldest()
        return entry

    def notices(self) -> tuple[Noticed, ...]:
        """Return the notices that have arrived; call it only while no step runs that could deliver an outcome."""
        found = []
        while isinstance(message := self.take(0), Noticed):
            found.append(message)
        return tuple(found)

    def _put(self, entry: Outcome | Noticed) -> None:
        self._queue.put(entry)
        self._filled.set()

    def _oldest(self) -> Outcome | Noticed | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None
