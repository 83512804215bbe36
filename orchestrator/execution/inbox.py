"""Where other threads leave what the loop has to know: outcomes of steps, and notices for the user."""

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
    """A queue that any thread may put into, without ever waiting, and one thread takes from."""

    def __init__(self, clock: Callable[[], datetime] = _now, masker: Masker | None = None) -> None:
        """Hide with the masker what must not be shown or recorded; without one, nothing is secret."""
        self.masker = masker or Masker()
        self._clock = clock
        self._queue: SimpleQueue[Outcome | Noticed] = SimpleQueue()
        # Waited for instead of the queue: a SimpleQueue that a signal interrupts near its timeout waits for ever.
        self._filled = Event()

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Leave a notice; the listeners hear it in the order of posting."""
        self._put(Noticed(at=self._clock(), kind=kind, message=self.masker.text(message), step_id=step_id))

    def deliver(self, outcome: Outcome) -> None:
        """Leave the outcome of a step."""
        self._put(masked_outcome(outcome, self.masker))

    def take(self, timeout: float) -> Outcome | Noticed | None:
        """Give the oldest entry, or None when there is none within so many seconds."""
        self._filled.clear()
        entry = self._oldest()
        if entry is None and timeout > 0 and self._filled.wait(timeout):
            entry = self._oldest()
        return entry

    def notices(self) -> tuple[Noticed, ...]:
        """Take the notices that are there now, where no step runs that could leave an outcome."""
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
