"""Defines what is recorded of a run: how it began, and what readers return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.errors import AmbiguousRunError, UnknownRunError
from orchestrator.execution.events import Noticed, RunEvent, RunOrigin, RunStarted, StepEnded, StepStarted
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.recorded_schedule import scheduled_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.timetable.scheduled_time import ScheduledTime, moment_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The process that drives a run."""

    host: str
    pid: int
    started_at: datetime | None
    """When the process began. A pid can be reused; the pair of pid and start time cannot."""
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The commit that the project was at."""

    commit: str
    dirty: bool


def is_attempt(outcome: Outcome, *, verifies: bool) -> bool:
    """Return whether the outcome counts as an attempt; a step that was only verified left the table unchanged."""
    return outcome.status is not Status.REUSED and not (verifies and outcome.status is Status.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedBatch:
    """One batch of a microbatch model that the target records as done, and the range of batches planned with it."""

    start: datetime
    first: datetime
    """The start of the first planned batch."""
    end: datetime
    """The end of the last planned batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBatches:
    """The batches of an interrupted microbatch model, each as its start and end in UTC."""

    successful: tuple[tuple[datetime, datetime], ...]
    failed: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A step that failed in the last runs that attempted it."""

    times: int
    """The number of consecutive failed runs, up to the limit of the query."""
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of a run before its first step."""

    run_id: str
    started_at: datetime
    verb: str
    trigger: str = "api"
    command: tuple[str, ...] = ()
    """The words of the command line, with secrets masked."""
    selected: Mapping[str, object] = field(default_factory=dict)
    vars: Mapping[str, object] = field(default_factory=dict)
    """Secrets are masked."""
    logical_date: datetime | None = None
    code: Code | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    target_identity: str = ""
    """Identifies the target: adapter, host or absolute file, database."""
    database: str = ""
    process: Process
    notices: Sequence[Noticed] = ()
    """Sent before the run started, and recorded with its start. It may grow until then."""
    manifest: bytes | None = None
    continues: Process | None = None
    """Of a resumed run: the process that drove it before."""
    places: Mapping[StepId, str] = field(default_factory=dict)
    """The place of each step. Target, place and step together identify what is recorded of the step."""
    writes: Mapping[StepId, tuple[str, ...]] = field(default_factory=dict)
    """The full names of the relations that each step writes. When it starts, other steps' results there are gone."""


RETRIES = "retries"
"""The key of `Opening.selected` under which a retry records the run that it repairs."""
WHOLE = "*"
"""Used in place of a name: everything in a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The exclusive right of one run to write the named relations and datasets in a target."""

    target_identity: str
    run_id: str
    process: Process
    names: frozenset[str] = frozenset({WHOLE})
    """Full names of relations and datasets, or `WHOLE`."""
    taken_at: datetime
    beaten_at: datetime
    """The last heartbeat of the run."""

    def shared(self, other: "Lease") -> frozenset[str]:
        """Return the names that both leases hold, which make them conflict."""
        if self.target_identity != other.target_identity:
            return frozenset()
        if WHOLE in self.names:
            return other.names
        return self.names if WHOLE in other.names else self.names & other.names

    def excludes(self, other: "Lease") -> bool:
        """Return whether the leases conflict; a run holds only one lease, whatever its names."""
        is_same_run = (self.target_identity, self.run_id) == (other.target_identity, other.run_id)
        return is_same_run or bool(self.shared(other))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """A run in a list of runs."""

    run_id: str
    verb: str
    trigger: str
    scheduled: ScheduledTime | None = None
    """The time of a schedule that the run belongs to."""
    command: tuple[str, ...]
    target: str
    target_identity: str
    database: str
    status: Status | None
    """None while the run is in progress, or if its process died before it recorded an end."""
    started_at: datetime
    heartbeat_at: datetime
    last_event_at: datetime
    """When the last event was recorded."""
    idle: timedelta = timedelta()
    """How long no process drove the run, between an interruption and its resume."""
    ended_at: datetime | None
    process: Process
    code: Code | None
    versions: Mapping[str, str]
    counts: Mapping[Status, int]
    """The number of ended steps by status."""
    steps: int
    """The number of steps in the plan."""
    events: int = 0
    """The number of recorded events."""

    def elapsed(self, now: datetime | None = None) -> timedelta:
        """Return how long the run was driven: until its end, or `now` if it is running, or its last heartbeat."""
        end = self.ended_at or now or max(self.heartbeat_at, self.last_event_at)
        return end - self.started_at - self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """One attempt of one step."""

    number: int
    started_at: datetime | None
    outcome: Outcome | None
    """None if its end was not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A step of a run, with its attempts."""

    step_id: StepId
    name: str
    kind: str
    why: str
    status: Status | None
    reason: Reason | None
    attempts: tuple[RecordedAttempt, ...] = ()
    place: str = ""
    """The relation that it writes, or where it works; empty in runs of older versions."""

    @property
    def last(self) -> RecordedAttempt | None:
        """The last attempt."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A complete run."""

    head: RunHead
    asked: Mapping[str, object]
    """The options of the run: its `Opening.selected`."""
    plan: Plan
    steps: tuple[RecordedStep, ...]
    """In the order of the plan."""


def as_recorded(event: RunEvent, opening: Opening, sequence: int, attempt: int | None) -> RunEvent:
    """Return an event as it is read from the record: with the run, its number there, and the number of the attempt."""
    match event:
        case RunStarted():
            return replace(event, run_id=opening.run_id, sequence=sequence, origin=origin_of(opening))
        case StepStarted() | StepEnded():
            return replace(event, run_id=opening.run_id, sequence=sequence, attempt=attempt)
        case _:
            return replace(event, run_id=opening.run_id, sequence=sequence)


def origin_of(opening: Opening) -> RunOrigin:
    """Return what the first event of a run says about where it comes from."""
    retries = opening.selected.get(RETRIES)
    scheduled = scheduled_of(opening.selected)
    start, end = (None, None) if scheduled is None else scheduled.interval.texts
    return RunOrigin(
        verb=opening.verb,
        trigger=opening.trigger,
        schedule=scheduled.schedule if scheduled else None,
        logical_time=moment_text(scheduled.logical_time) if scheduled else None,
        data_interval_start=start,
        data_interval_end=end,
        command=opening.command,
        retries=retries if isinstance(retries, str) else None,
        target=opening.target,
        target_identity=opening.target_identity,
        user=opening.process.user,
        host=opening.process.host,
        process=opening.process.pid,
        git_commit=opening.code.commit if opening.code else None,
        git_dirty=opening.code.dirty if opening.code else None,
        versions=dict(opening.versions),
    )


def completes_attempt(outcome: Outcome) -> bool:
    """Return whether an outcome without a running attempt ends the last attempt of the step, which was cut off."""
    return outcome.reason.code is ReasonCode.FOUND_IN_TARGET


MOST_LISTED = 3
UNKNOWN_RUN_HINT = "`elt history` lists the runs."


def only_run(beginning: str | None, found: Sequence[str]) -> str:
    """Return the run whose id begins with `beginning`; without it, the last run.

    `found` are the matching ids, newest first.

    Raises:
        UnknownRunError: no run matches.
        AmbiguousRunError: several runs match.
    """
    if not found:
        problem = f"There is no run {beginning}." if beginning else "No run is recorded yet."
        raise UnknownRunError(problem, hint=UNKNOWN_RUN_HINT)
    if beginning is not None and len(found) > 1:
        more = ", …" if len(found) > MOST_LISTED else ""
        raise AmbiguousRunError(
            f"Several runs begin with {beginning}: {', '.join(found[:MOST_LISTED])}{more}",
            hint=f"Type more of the id. {UNKNOWN_RUN_HINT}",
        )
    return found[0]
