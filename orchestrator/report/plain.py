"""A run for a log or a pipe: one plain line an event."""

from datetime import datetime
from typing import TextIO

from orchestrator.execution.events import Event, RunStarted
from orchestrator.report.event_line import Steps, line_of
from orchestrator.report.streams import Lines


class PlainReport:
    """Writes a line for each event as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._steps: Steps = {}
        self._started_at: datetime | None = None

    def hear(self, event: Event) -> None:
        """Write the event's line."""
        if isinstance(event, RunStarted):
            self._steps, self._started_at = event.plan.by_id, event.at
        self._lines.write(str(line_of(event, self._steps, self._started_at)))
