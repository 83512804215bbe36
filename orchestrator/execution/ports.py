"""What the run loop asks of the world: runners, the executor's threads, and listeners."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.execution.events import Event, NoticeKind
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import Failing, Lease, Opening, RecordedEvent, RecordedRun, RunHead
from orchestrator.plan.step import Step, StepId
from orchestrator.reuse.standing import LastTry, Mark, RecordedFingerprint, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Build a node beside what stands of it, which stays, and compare the two."""

    reused: Outcome
    """What the step ends as when they are the same."""
    of_run: str
    """The run in which what stands was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Run one step: a value that survives JSON, so that anybody who holds it can run it."""

    run_id: str
    step: Step
    attempt: int = 1
    """Which try of the step in the run it is, as the record counts them: also those of an earlier sitting."""
    mark: Mark | None = None
    """What is to be left in the target beside the data; None when nothing is."""
    verify: Verify | None = None
    """Not to build the step, but to verify what stands of it."""


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

    def interrupt(self, steps: Collection[StepId]) -> None:
        """End these steps, from any thread, as soon as the tool allows, and come back at once; others go on.

        Called again every now and then until they have ended; a further try of one of them is not meant.
        """


class Executor(Protocol):
    """Takes requests and delivers, some time later, exactly one outcome for each."""

    def submit(self, request: Request, stop: Stop) -> None:
        """Run a step as soon as possible, without waiting for it."""

    def interrupt(self, steps: Collection[StepId]) -> None:
        """End these steps as soon as possible; never raises."""

    def give_up(self) -> None:
        """Count one of the steps that run as gone: it does not end, and another may run in its place."""

    def close(self) -> None:
        """Take no more requests, without waiting for what runs."""


class Notices(Protocol):
    """Takes notices for the user, from any thread."""

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Leave a notice that the listeners hear soon; never waits and never raises."""


class RunWriter(Protocol):
    """Records one run; used on the loop's own thread."""

    def record(self, events: Sequence[Event]) -> None:
        """Keep the events, in their order, for good, before it comes back.

        Raises:
            StoreError: it cannot; then it has kept none of them.
        """

    def look(self, at: datetime) -> bool:
        """Note that the run is alive, and say whether somebody asked for its end since; called often, never raises."""


class RunReader(Protocol):
    """Reads what was recorded of all runs, also while they go on; writes nothing."""

    def heads(self, *, limit: int | None = None, target_identity: str | None = None) -> tuple[RunHead, ...]:
        """List the runs, newest first."""

    def find(self, beginning: str | None = None) -> str:
        """Give the id of the run that begins so; without a beginning that of the last run.

        Raises:
            UnknownRunError: there is none.
            AmbiguousRunError: several begin so.
        """

    def run(self, run_id: str) -> RecordedRun:
        """Give a run, whole; raises UnknownRunError."""

    def events(self, run_id: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        """Give the events of a run behind a sequence number, in their order; none when the run is not known."""

    def manifest(self, run_id: str) -> bytes | None:
        """Give the manifest that a run was planned on, when it was kept."""

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Give the fingerprints of a run's steps that ended, where they have one; none when the run is not known."""

    def standing(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, Standing]:
        """Return for each of these steps its last success at its place in a target, where there is one.

        None is returned where another step has begun to write the same relation since. This outlives the run.
        """

    def compiled_code(self, run_id: str, step_id: StepId) -> str | None:
        """Give the code that a node was compiled to in a run, when it is still known."""

    def last_tries(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastTry]:
        """Return for each of these steps how it ended when it last ran at its place in a target; outlives the run."""

    def failing(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Mapping[StepId, Failing]:
        """Return those of these steps that failed in the last run that tried them there, and in how many in a row.

        At most so many are counted. Runs that did not try a step, or were interrupted in it, say nothing of it.
        """

    def row_counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StepId, int]]:
        """Return for each of these runs how many rows each table had after the step that built or reused it."""

    def outcomes(self, asked: Mapping[StepId, str]) -> Mapping[StepId, Outcome]:
        """Return what each of these steps ended as in the run named, without its parts, unless the run is forgotten."""


class RunStore(Protocol):
    """Where runs are recorded; a store raises StoreError when it cannot be opened, read or written."""

    def writer(self, opening: Opening) -> RunWriter:
        """Give a writer for a run that begins; its first event makes the run known."""

    def reader(self) -> RunReader:
        """Give a reader, which cannot write."""

    def ask_to_end(self, run_id: str, *, at: datetime, by: str) -> None:
        """Leave a run the wish that it should end; raises UnknownRunError."""

    def leases(self, target_identity: str) -> tuple[Lease, ...]:
        """Return the leases that runs hold in a target, by run; their processes may have died since."""

    def take(self, lease: Lease, *, instead_of: Collection[Lease] = ()) -> bool:
        """Take a lease with all of its names, or none of it, and return whether it was taken.

        It takes the place of leases of dead runs as they were read. It is not taken where a lease excludes it that is
        none of these, or that had a heartbeat since.
        """

    def beat(self, lease: Lease, *, at: datetime) -> None:
        """Note that the run that holds a lease is alive, if it still holds it; from any thread, never raises."""

    def let_go(self, lease: Lease) -> None:
        """Return a lease, if the run still holds it."""

    def prune(self, *, keep: int, now: datetime) -> tuple[str, ...]:
        """Forget all but so many of the newest runs, and return the ids of those forgotten, oldest first.

        A run that has not ended is kept, unless nothing was heard of it for a day.
        """

    def size(self) -> int | None:
        """Return how many bytes the store takes on disk; None if it shares a server with others."""

    def shrink(self) -> bool:
        """Return the space of what was forgotten to the disk; returns whether that was done.

        It is not done while another process uses the store, on a full disk, and on a server, which reuses the space.
        """

    def count_runs(self) -> int:
        """Return how many runs are recorded."""

    def close(self) -> None:
        """Let the store go."""


class Unrecorded:
    """A writer that keeps nothing."""

    def record(self, events: Sequence[Event]) -> None:
        """Keep nothing."""

    def look(self, at: datetime) -> bool:
        """Nobody can ask for anything."""
        del at
        return False


class Reuse(Protocol):
    """Decides what need not run, on the loop's own thread; never raises for what cannot be decided: that runs."""

    def at_turn(self, step: Step) -> Outcome | None:
        """Give what becomes of a step whose parents have ended, when it need not run; None when it runs."""

    def heard(self, outcome: Outcome) -> None:
        """Take note of how a step ended, before anything below it takes its turn."""

    def mark(self, step_id: StepId) -> Mark | None:
        """Give what a step that starts is to leave in the target."""

    def verifies(self, step_id: StepId) -> Verify | None:
        """Say that a step that starts need not run, but is to be verified; None when it runs."""

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Give what the result of a step that ended follows from, where that is known."""


class AllRun:
    """Decides nothing: every step runs."""

    def at_turn(self, step: Step) -> Outcome | None:
        """It runs."""
        del step
        return None

    def heard(self, outcome: Outcome) -> None:
        """Nothing depends on it."""

    def mark(self, step_id: StepId) -> Mark | None:
        """Nothing is left."""
        del step_id
        return None

    def verifies(self, step_id: StepId) -> Verify | None:
        """Nothing is reused, so nothing is verified."""
        del step_id
        return None

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Nothing is known."""
        del outcome
        return None


class RunListener(Protocol):
    """Hears of what happened, after it was recorded, on the loop's own thread."""

    def hear(self, event: Event) -> None:
        """Take note of one event; what a listener raises is reported and never changes the run."""
