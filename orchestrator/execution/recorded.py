"""What is recorded of a run: how it began, and what its readers find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.errors import AmbiguousRunError, UnknownRunError
from orchestrator.execution.outcome import Outcome, Reason
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The process that drives a run."""

    host: str
    pid: int
    started_at: datetime | None
    """When the process began: a pid is given again, this moment is not."""
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The commit that the project stood at."""

    commit: str
    dirty: bool


def is_a_try(outcome: Outcome, *, verifies: bool) -> bool:
    """Say whether a step that ended so did, or tried to do, what it is for; what is only verified stays as it was."""
    return outcome.status is not Status.REUSED and not (verifies and outcome.status is Status.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedBatch:
    """One batch of a microbatch model, of which the target says that it was done; and all that were planned with it."""

    start: datetime
    first: datetime
    """The start of the first that was planned."""
    end: datetime
    """The end of the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A step that failed in the last runs that tried it."""

    times: int
    """In so many runs in a row, as far as was asked."""
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of a run before its first step."""

    run_id: str
    started_at: datetime
    verb: str
    trigger: str = "api"
    command: tuple[str, ...] = ()
    """The words of the command line, secrets masked."""
    selected: Mapping[str, object] = field(default_factory=dict)
    vars: Mapping[str, object] = field(default_factory=dict)
    """Secrets masked."""
    logical_date: datetime | None = None
    code: Code | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    target_identity: str = ""
    """What the target is: adapter, host or absolute file, database."""
    database: str = ""
    process: Process
    manifest: bytes | None = None
    continues: Process | None = None
    """Of a run that goes on: the process that drove it before."""
    places: Mapping[StepId, str] = field(default_factory=dict)
    """Where each step works: together with the target and the step it identifies what is recorded of it."""
    writes: Mapping[StepId, tuple[str, ...]] = field(default_factory=dict)
    """By their full names the relations that each step writes: what other steps left there is gone once it starts."""


WHOLE = "*"
"""In the place of a name: all that a target holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one run to write what it names in a target; no other run may hold a name of it meanwhile."""

    target_identity: str
    run_id: str
    process: Process
    names: frozenset[str] = frozenset({WHOLE})
    """Full names of relations and datasets, or `WHOLE`."""
    taken_at: datetime
    beaten_at: datetime
    """The last heartbeat of the run."""

    def shared(self, other: "Lease") -> frozenset[str]:
        """Return the names that both leases hold, which makes them exclude each other."""
        if self.target_identity != other.target_identity:
            return frozenset()
        if WHOLE in self.names:
            return other.names
        return self.names if WHOLE in other.names else self.names & other.names

    def excludes(self, other: "Lease") -> bool:
        """Return whether both cannot be held at once; a run holds one lease, whatever is in it."""
        is_same_run = (self.target_identity, self.run_id) == (other.target_identity, other.run_id)
        return is_same_run or bool(self.shared(other))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """A run in a list of runs."""

    run_id: str
    verb: str
    trigger: str
    command: tuple[str, ...]
    target: str
    target_identity: str
    database: str
    status: Status | None
    """None while it goes on, or when its process died before it could say."""
    started_at: datetime
    heartbeat_at: datetime
    last_event_at: datetime
    """When something was last recorded of it."""
    idle: timedelta = timedelta()
    """How long nobody drove it, between an interruption and its resume."""
    ended_at: datetime | None
    process: Process
    code: Code | None
    versions: Mapping[str, str]
    counts: Mapping[Status, int]
    """Steps that ended, by status."""
    steps: int
    """How many there are in the plan."""

    def elapsed(self, now: datetime | None = None) -> timedelta:
        """Return how long the run was driven: until its end, or `now` if it is running, or its last sign of life."""
        end = self.ended_at or now or max(self.heartbeat_at, self.last_event_at)
        return end - self.started_at - self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """One try of one step."""

    number: int
    started_at: datetime | None
    outcome: Outcome | None
    """None when nothing is known of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A step of a run, with its tries."""

    step_id: StepId
    name: str
    kind: str
    why: str
    status: Status | None
    reason: Reason | None
    attempts: tuple[RecordedAttempt, ...] = ()

    @property
    def last(self) -> RecordedAttempt | None:
        """The last try."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A run, whole."""

    head: RunHead
    asked: Mapping[str, object]
    """What the run was asked for: its `Opening.selected`."""
    plan: Plan
    steps: tuple[RecordedStep, ...]
    """In the order of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """A fact of a run, in the order in which it was recorded."""

    sequence: int
    at: datetime
    kind: str
    step_id: StepId | None
    attempt: int | None
    body: Mapping[str, object]


MOST_LISTED = 3
UNKNOWN_RUN_HINT = "`elt history` lists the runs."


def only_run(beginning: str | None, found: Sequence[str]) -> str:
    """Return the run meant by the beginning of its id; without one the last run.

    `found` are the ids that begin so, newest first.

    Raises:
        UnknownRunError: there is none.
        AmbiguousRunError: there are several.
    """
    if not found:
        said = f"No run is recorded that is called {beginning}." if beginning else "No run is recorded."
        raise UnknownRunError(said, hint=UNKNOWN_RUN_HINT)
    if beginning is not None and len(found) > 1:
        more = ", …" if len(found) > MOST_LISTED else ""
        raise AmbiguousRunError(
            f"Several runs begin with {beginning}: {', '.join(found[:MOST_LISTED])}{more}",
            hint=f"Type more of the id. {UNKNOWN_RUN_HINT}",
        )
    return found[0]
