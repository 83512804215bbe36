"""A listener that remembers what it heard, as events and as short lines."""

from orchestrator.execution.events import (
    AttemptEnded,
    Event,
    Noticed,
    RunEnded,
    RunNotStarted,
    RunStarted,
    StepEnded,
    StepStarted,
)


class RecordingListener:
    """Keeps every event in the order of hearing."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hear(self, event: Event) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """One line an event: `run`, `start a`, `a success`, `b skipped`, `warning: text`, `end error`."""
        return [line_of(event) for event in self.events]


class RaisingListener:
    """Raises at every event, and counts them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.heard = 0
        self.error = error or RuntimeError("the terminal is gone")

    def hear(self, event: Event) -> None:
        self.heard += 1
        raise self.error


def line_of(event: Event) -> str:
    match event:
        case RunStarted():
            return "run"
        case StepStarted():
            return f"{'verify' if event.verifies else 'start'} {event.step_id}"
        case AttemptEnded():
            return (
                f"{event.outcome.step_id} {event.outcome.status}, attempt {event.attempt + 1} of {event.most} follows"
            )
        case StepEnded():
            return f"{event.outcome.step_id} {event.outcome.status}"
        case Noticed():
            return f"{event.kind}: {event.message}"
        case RunEnded():
            return f"end {event.status}"
        case RunNotStarted():
            return f"not started: {event.message}"
