"""Where other threads leave what the loop has to know: outcomes of steps, and notices for the user."""

from collections.abc import Callable
from datetime import datetime
from queue import Empty, SimpleQueue

from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.step import StepId


class Inbox:
    """A queue that any thread may put into, without ever waiting, and one thread takes from."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._queue: SimpleQueue[Outcome | Noticed] = SimpleQueue()

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Leave a notice; the listeners hear it in the order of posting."""
        self._queue.put(Noticed(at=self._clock(), kind=kind, message=message, step_id=step_id))

    def deliver(self, outcome: Outcome) -> None:
        """Leave the outcome of a step."""
        self._queue.put(outcome)

    def take(self, timeout: float) -> Outcome | Noticed | None:
        """Give the oldest entry, or None when there is none within so many seconds."""
        try:
            return self._queue.get(block=timeout > 0, timeout=timeout)
        except Empty:
            return None
