"""Reports a run to a log or a pipe: one plain line per event, and one for many steps skipped for the same cause."""

from datetime import datetime
from typing import TextIO

from orchestrator.execution.events import Event, RunEvent, RunNotStarted, RunStarted, StepEnded
from orchestrator.execution.outcome import Reason
from orchestrator.plan.status import Status
from orchestrator.report.event_line import EventLine, Steps, line_of, reason_text, some_names
from orchestrator.report.streams import Lines
from orchestrator.wording import count

_MOST_LINES = 10


class PlainReport:
    """Writes a line for each event as it happens; consecutive skips are held back until the next other event."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._steps: Steps = {}
        self._started_at: datetime | None = None
        self._skips: list[StepEnded] = []

    def hear(self, event: Event) -> None:
        """Write the event's line; the command line itself shows an error that kept the run from starting."""
        if isinstance(event, RunNotStarted):
            return
        if isinstance(event, RunStarted):
            self._steps, self._started_at = event.plan.by_id, event.at
        reason = _reason_to_skip(event)
        if self._skips and reason != self._skips[0].outcome.reason:
            self._write_skips()
        if isinstance(event, StepEnded) and reason is not None:
            self._skips.append(event)
        else:
            self._write(event)

    def _write(self, event: RunEvent) -> None:
        self._lines.write(str(line_of(event, self._steps, self._started_at)))

    def _write_skips(self) -> None:
        """Write the skips of one cause: a line each, or one line for all if they would hide the cause."""
        skips, self._skips = self._skips, []
        if len(skips) <= _MOST_LINES:
            for skip in skips:
                self._write(skip)
            return
        names = some_names([skip.outcome.step_id for skip in skips], self._steps)
        why = reason_text(skips[0].outcome.reason, self._steps)
        text = f"{count(len(skips), 'step')}  {why}: {names}"
        self._lines.write(str(EventLine(at=skips[0].at, word="skipped", text=text)))


def _reason_to_skip(event: Event) -> Reason | None:
    if isinstance(event, StepEnded) and event.outcome.status is Status.SKIPPED:
        return event.outcome.reason
    return None
