"""What the run loop asks of the world: runners, the executor's threads, and listeners."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.execution.events import Event
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Run one step: a value that survives JSON, so that anybody who holds it can run it."""

    run_id: str
    step: Step


class Stop(Protocol):
    """Says whether the run was asked to stop; runners look at it between two pieces of work."""

    def is_set(self) -> bool:
        """Whether to stop as soon as possible."""


class StepRunner(Protocol):
    """Runs steps of one kind, on the thread that calls it."""

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Run the steps and give their outcomes, in any order, one for each request.

        A runner never raises for what a step did: an exception is a bug and ends as an error of the step.
        """

    def interrupt(self) -> None:
        """End what runs now, from any thread, as soon as the tool allows; idempotent."""


class RunListener(Protocol):
    """Hears of what happened, after it was recorded, on the loop's own thread."""

    def hear(self, event: Event) -> None:
        """Take note of one event; what a listener raises is reported and never changes the run."""
