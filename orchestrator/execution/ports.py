"""Defines the ports of the run loop: runners, executors, listeners, and the record of runs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from orchestrator.execution.durations import Durations
from orchestrator.execution.events import Estimated, Event, NoticeKind, RunEvent, RunStarted
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import Failing, Lease, Opening, RecordedRun, RunHead
from orchestrator.plan.step import Step, StepId
from orchestrator.reuse.last_success import LastAttempt, LastSuccess, Mark, RecordedFingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """A request to build a copy of a node and compare it with the existing table, which is not changed."""

    reused: Outcome
    """The outcome of the step if the two are equal."""
    of_run: str
    """The run in which the existing table was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to run one step. It can be serialized to JSON, so that it can be run in any process."""

    run_id: str
    step: Step
    attempt: int = 1
    """The number of the attempt in the run, as the record counts it: attempts before a resume are included."""
    mark: Mark | None = None
    """The marker to write in the target with the data; None if none is written."""
    verify: Verify | None = None
    """If set, the step is not built: its existing result is verified."""


class Stop(Protocol):
    """A stop request, which runners check between two pieces of work."""

    def is_set(self) -> bool:
        """Return whether to stop as soon as possible."""


class StepRunner(Protocol):
    """Runs steps of one kind, on the thread that calls it."""

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Run the steps and yield their outcomes, in any order, one for each request, each as soon as it is known.

        A runner never raises because of what a step did: an exception is a bug and becomes an error of the step.
        Once `stop` is set, an error of the step counts as its interruption.
        """

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt these steps, and no others, as soon as the tool allows; does not block, and is safe on any thread.

        Called repeatedly until they have ended. It applies to the current attempt of a step, not to a later one.
        """


class Executor(Protocol):
    """Takes batches of requests and delivers exactly one outcome for each request, later and from another thread."""

    def submit(self, requests: Sequence[Request], stop: Stop) -> None:
        """Run a batch of steps as soon as possible, without waiting for it; `stop` is set when none of it is wanted."""

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt these steps as soon as possible; never raises."""

    def give_up(self) -> None:
        """Stop counting a step that does not end, so that another can run in its place."""

    def close(self) -> None:
        """Accept no more requests, without waiting for running steps."""


class Notices(Protocol):
    """Accepts notices for the user, from any thread."""

    def post(self, kind: NoticeKind, message: str, *, step_id: StepId | None = None) -> None:
        """Add a notice for the listeners; never blocks and never raises."""


class RunWriter(Protocol):
    """Records one run. It is used only on the thread of the loop."""

    def record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...]:
        """Commit the events, in order, before returning; return them with their numbers in the record.

        Raises:
            StoreError: the events cannot be recorded; none of them was.
        """

    def look(self, at: datetime) -> bool:
        """Record a heartbeat, and return whether a user asked the run to end; called often, never raises."""


class RunReader(Protocol):
    """Reads the record of all runs, also while they are in progress. It writes nothing."""

    def heads(self, *, limit: int | None = None, target_identity: str | None = None) -> tuple[RunHead, ...]:
        """Return the runs, newest first."""

    def find(self, beginning: str | None = None) -> str:
        """Return the id of the run that begins with `beginning`; without it, the id of the last run.

        Raises:
            UnknownRunError: no run matches.
            AmbiguousRunError: several runs match.
        """

    def head(self, run_id: str) -> RunHead:
        """Return a run as in a list of runs; raises UnknownRunError."""

    def run(self, run_id: str) -> RecordedRun:
        """Return a complete run; raises UnknownRunError."""

    def events(self, run_id: str, after: int = 0) -> tuple[RunEvent, ...]:
        """Return the events of a run after a sequence number, in order, as `RunWriter.record` returned them.

        `StepEnded.known` is omitted. There are none if the run is not known.
        """

    def manifest(self, run_id: str) -> bytes | None:
        """Return the manifest that the run was planned with, if it was kept."""

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Return the fingerprints of the ended steps of a run that have one; none if the run is not known."""

    def last_success(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastSuccess]:
        """Return the last success of each of these steps at its place in a target, for the steps that have one.

        A step has no entry if another step has since begun to write the same relation. Entries are kept when the run
        itself is deleted from the record.
        """

    def compiled_code(self, run_id: str, step_id: StepId) -> str | None:
        """Return the compiled code of a node in a run, if it is still recorded."""

    def last_attempts(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastAttempt]:
        """Return the outcome of the last attempt of each step at its place in a target; kept longer than its run."""

    def failing(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Mapping[StepId, Failing]:
        """Return the steps that failed in the last run that attempted them there, and how often in a row.

        The count stops at `most`. Runs that did not attempt a step, or were interrupted in it, are ignored.
        """

    def durations(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Durations:
        """Return how long each of these steps took at its place in a target, in at most so many of the last runs."""

    def row_counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StepId, int]]:
        """Return, for each of these runs, the row count of each table after the step that built or reused it."""

    def outcomes(self, asked: Mapping[StepId, str]) -> Mapping[StepId, Outcome]:
        """Return the outcome of each step in its given run, without parts, unless the run is no longer recorded."""


class RunStore(Protocol):
    """The record of runs. A store raises StoreError when it cannot be opened, read or written."""

    def writer(self, opening: Opening) -> RunWriter:
        """Return a writer for a new run; the run is recorded with its first event."""

    def reader(self) -> RunReader:
        """Return a reader, which cannot write."""

    def ask_to_end(self, run_id: str, *, at: datetime, by: str) -> None:
        """Record a request that a run should end; raises UnknownRunError."""

    def leases(self, target_identity: str) -> tuple[Lease, ...]:
        """Return the leases that runs hold in a target, ordered by run; their processes may have died since."""

    def take(self, lease: Lease, *, instead_of: Collection[Lease] = ()) -> bool:
        """Take a lease with all of its names, or none of them, and return whether it was taken.

        It replaces the leases of dead runs in `instead_of`. It is not taken if it conflicts with any other lease, or
        with one of these that had a heartbeat since it was read.
        """

    def beat(self, lease: Lease, *, at: datetime) -> None:
        """Record a heartbeat of the run that holds a lease, if it still does; from any thread, never raises."""

    def let_go(self, lease: Lease) -> None:
        """Release a lease, if the run still holds it."""

    def prune(self, *, keep: int, now: datetime) -> tuple[str, ...]:
        """Delete all but the `keep` newest runs, and return the ids of the deleted ones, oldest first.

        A run that has not ended is kept, unless its last heartbeat is more than a day old.
        """

    def size(self) -> int | None:
        """Return the size of the store on disk in bytes; None if it shares a server with other data."""

    def shrink(self) -> bool:
        """Return the space of deleted runs to the disk, and return whether that was done.

        It is not done while another process uses the store, on a full disk, or on a server, which reuses the space.
        """

    def count_runs(self) -> int:
        """Return the number of recorded runs."""

    def close(self) -> None:
        """Close the store."""


class Unrecorded:
    """A writer that records nothing."""

    def record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...]:
        """Return the events as they are; nothing is recorded."""
        return tuple(events)

    def look(self, at: datetime) -> bool:
        """Return False: a run that is not recorded cannot be asked to end."""
        del at
        return False


class Reuse(Protocol):
    """Decides which steps need not run, on the thread of the loop. It never raises: an undecided step runs."""

    def when_ready(self, step: Step) -> Outcome | None:
        """Return the outcome of a step that need not run, given that its parents have ended; None if it runs."""

    def heard(self, outcome: Outcome) -> None:
        """Record how a step ended, before its children are evaluated."""

    def mark(self, step_id: StepId) -> Mark | None:
        """Return the marker that a starting step is to leave in the target."""

    def verifies(self, step_id: StepId) -> Verify | None:
        """Return how to verify a starting step that need not run; None if it runs."""

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Return the fingerprint of the result of a step that ended, if it is known."""


class AllRun:
    """A `Reuse` that reuses nothing: every step runs."""

    def when_ready(self, step: Step) -> Outcome | None:
        """Return None: the step runs."""
        del step
        return None

    def heard(self, outcome: Outcome) -> None:
        """Do nothing: no decision depends on it."""

    def mark(self, step_id: StepId) -> Mark | None:
        """Return None: no marker is written."""
        del step_id
        return None

    def verifies(self, step_id: StepId) -> Verify | None:
        """Return None: nothing is reused, so nothing is verified."""
        del step_id
        return None

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Return None: no fingerprint is known."""
        del outcome
        return None


class Ledger(Protocol):
    """Keeps what later steps need to know about ended ones. It is called on the thread of the loop."""

    def begin(self, started: RunStarted) -> None:
        """Take note of the plan, and of the outcomes that a resumed run starts with."""

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of outcomes, after they were recorded and before any step that follows them starts."""

    def finish(self, at: datetime) -> None:
        """Write what the run leaves to others, before its end is recorded; an EltError becomes a warning."""


class RunListener(Protocol):
    """Receives each event after it was recorded, on a thread of the listeners."""

    def hear(self, event: Event) -> None:
        """Process one event; errors and delays of a listener are reported and never change the run."""


@runtime_checkable
class EstimateListener(Protocol):
    """A listener that also receives new estimates of the end of the run."""

    def expect(self, estimated: Estimated) -> None:
        """Process one estimate, as `RunListener.hear` does with an event."""
