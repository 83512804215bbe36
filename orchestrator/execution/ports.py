"""What the run loop asks of the world: runners, the executor's threads, and listeners."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.execution.events import Event, NoticeKind
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.step import Step, StepId


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
        Once `stop` is set, an error of the step counts as its interruption.
        """

    def interrupt(self) -> None:
        """End what runs now, from any thread, as soon as the tool allows, and come back at once.

        Called again every now and then until the interrupted steps have ended; what starts later is not meant.
        """


class Executor(Protocol):
    """Takes requests and delivers, some time later, exactly one outcome for each."""

    def submit(self, request: Request, stop: Stop) -> None:
        """Run a step as soon as possible, without waiting for it."""

    def interrupt(self) -> None:
        """End what runs now, as soon as possible; never raises."""

    def close(self) -> None:
        """Take no more requests, without waiting for what runs."""


class Notices(Protocol):
    """Takes notices for the user, from any thread."""

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Leave a notice that the listeners hear soon; never waits and never raises."""


class RunListener(Protocol):
    """Hears of what happened, after it was recorded, on the loop's own thread."""

    def hear(self, event: Event) -> None:
        """Take note of one event; what a listener raises is reported and never changes the run."""
