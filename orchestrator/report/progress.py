"""Tracks the progress of a run from its events."""

from collections import Counter
from datetime import datetime

from orchestrator.execution.events import AttemptEnded, Event, RunStarted, StepEnded, StepStarted
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId


class Progress:
    """The running steps with their start times, and the counts; each event has the same cost in any plan."""

    def __init__(self) -> None:
        self.total = 0
        self.started_at: datetime | None = None
        self.running: dict[StepId, datetime] = {}
        """In order of their start, so the longest-running steps come first."""
        self.again: dict[StepId, AttemptEnded] = {}
        """Steps that wait for their next attempt, with the end of the last attempt."""
        self.counts: Counter[Status] = Counter()

    @property
    def ended(self) -> int:
        """Return how many steps have an outcome."""
        return self.counts.total()

    @property
    def waiting(self) -> int:
        """Return how many steps neither run nor have ended."""
        return self.total - self.ended - len(self.running)

    def hear(self, event: Event) -> None:
        """Count the event."""
        match event:
            case RunStarted():
                self.total, self.started_at = len(event.plan.steps), event.at
                self.counts.update(outcome.status for outcome in event.settled)
            case StepStarted():
                self.again.pop(event.step_id, None)
                self.running[event.step_id] = event.at
            case AttemptEnded():
                self.running.pop(event.outcome.step_id, None)
                self.again[event.outcome.step_id] = event
            case StepEnded():
                self.running.pop(event.outcome.step_id, None)
                self.again.pop(event.outcome.step_id, None)
                self.counts[event.outcome.status] += 1
            case _:
                pass
