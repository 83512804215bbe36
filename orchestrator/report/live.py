"""Shows a run on a terminal: the running steps, the progress, and failures as they happen."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event as Signal
from threading import RLock, Thread

from rich.console import Console
from rich.text import Text

from orchestrator.execution.events import AttemptEnded, Event, Noticed, RunEnded, RunNotStarted, RunStarted, StepEnded
from orchestrator.plan.status import Status
from orchestrator.report.event_line import EventLine, Steps, line_of
from orchestrator.report.frame import frame
from orchestrator.report.progress import Progress
from orchestrator.report.region import Region
from orchestrator.report.words import clock

_SECONDS = 0.25


class LiveReport:
    """Keeps a live view during a run; an event is only counted, a timer draws."""

    def __init__(self, console: Console, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._console = console
        self._now = now
        self._progress = Progress()
        self._steps: Steps = {}
        self._unsaid: deque[Text] = deque()
        self._lock = RLock()
        self._region = Region(console, self._frame)
        self._ended = Signal()
        self._timer = Thread(target=self._draw_until_ended, name="elt-live-view", daemon=True)

    def hear(self, event: Event) -> None:
        """Count an event, and queue its line if it belongs above the view."""
        with self._lock:
            self._progress.hear(event)
            if isinstance(event, RunStarted):
                self._steps = event.plan.by_id
            if not isinstance(event, RunNotStarted) and _is_said(event):
                self._unsaid.append(_text(line_of(event, self._steps, self._progress.started_at)))
        # Without the lock: `close` waits for the timer's thread, which takes it.
        match event:
            case RunStarted():
                self._region.start()
                self._timer.start()
            case RunEnded():
                self.close()
            case Noticed() if not self._timer.is_alive():
                self._say()
            case _:
                pass

    def close(self) -> None:
        """Close the view and restore the terminal, however the run ended; a second call does nothing."""
        self._ended.set()
        if self._timer.is_alive():
            self._timer.join()
        self._say()
        self._region.stop()

    def refresh(self) -> None:
        """Draw the current view, with the queued lines above it."""
        with self._lock:
            # Drawing calls `_frame`, which takes the lock itself: so draw after the lock is released.
            lines = [self._unsaid.popleft() for _ in range(len(self._unsaid))]
        self._region.refresh(*lines)

    def _draw_until_ended(self) -> None:
        while not self._ended.wait(_SECONDS):
            self.refresh()

    def _say(self) -> None:
        if self._unsaid:
            self.refresh()

    def _frame(self) -> list[Text]:
        width, height = self._console.size
        with self._lock:
            return frame(self._progress, self._steps, self._now(), width=width, height=height)


def _is_said(event: Event) -> bool:
    """Return whether the user should see an event at once rather than in the summary."""
    match event:
        case AttemptEnded():
            return True
        case StepEnded():
            return event.outcome.status in {Status.FAIL, Status.ERROR}
        case Noticed():
            return event.kind == "waiting"
        case RunStarted():
            return event.resumed
        case _:
            return False


def _text(line: EventLine) -> Text:
    return Text.assemble((clock(line.at), "dim"), "  ", (f"{line.word:<9}", line.style), "  ", line.text)
