"""Keeps the state of a run from its events: which steps have ended, run, or wait to be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.execution.durations import COMPLETE
from orchestrator.execution.events import AttemptEnded, Event, RunEnded, RunStarted, StepEnded, StepStarted
from orchestrator.plan.step import StepId


@dataclass(slots=True)
class RunProgress:
    """How far a run is."""

    ended: dict[StepId, float | None] = field(default_factory=dict)
    """The seconds that each step took; None if it did not do all of its work."""
    running: dict[StepId, datetime] = field(default_factory=dict)
    """When each step started."""
    again: dict[StepId, datetime] = field(default_factory=dict)
    """When each step is repeated."""
    has_begun: bool = False
    has_ended: bool = False

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case RunStarted():
                self.has_begun = True
                self.ended.update((outcome.step_id, None) for outcome in event.settled)
            case StepStarted():
                self.again.pop(event.step_id, None)
                self.running[event.step_id] = event.at
            case AttemptEnded():
                self.running.pop(event.outcome.step_id, None)
                self.again[event.outcome.step_id] = event.again_at
            case StepEnded():
                outcome = event.outcome
                self.running.pop(outcome.step_id, None)
                self.again.pop(outcome.step_id, None)
                is_complete = outcome.status in COMPLETE and outcome.started_at is not None
                self.ended[outcome.step_id] = outcome.elapsed.total_seconds() if is_complete else None
            case RunEnded():
                self.has_ended = True
            case _:
                pass

    def copy(self) -> "RunProgress":
        """Return a copy that later events do not change."""
        return RunProgress(dict(self.ended), dict(self.running), dict(self.again), self.has_begun, self.has_ended)


def seconds_running(state: RunProgress, now: datetime) -> Mapping[StepId, float]:
    """Return for how long each running step has been running."""
    return {step: max(0.0, (now - since).total_seconds()) for step, since in state.running.items()}
