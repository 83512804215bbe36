"""Tracks the progress of a run from its events."""

from collections import Counter
from datetime import datetime, timedelta

from orchestrator.execution.events import AttemptEnded, Estimated, Event, RunStarted, StepEnded, StepStarted
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
        self.expected_end: datetime | None = None
        self.is_at_least = False
        """Whether nothing is known about some of the steps, so that the end may be later."""

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
                if event.estimate is not None:
                    self.expected_end = event.at + timedelta(seconds=event.estimate.seconds)
                    self.is_at_least = event.estimate.unknown > 0
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

    def expect(self, estimated: Estimated) -> None:
        """Take note of a new estimate of the end."""
        self.expected_end, self.is_at_least = estimated.end, estimated.unknown > 0
