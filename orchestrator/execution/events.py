"""Defines the events that listeners receive during a run. Every event can be serialized to JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.execution.outcome import Outcome
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import RecordedFingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbered:
    """What every event has."""

    at: datetime
    run_id: str = ""
    """Empty until the event is recorded."""
    sequence: int | None = None
    """The number of the event in the record of its run, from 1; None if it is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrigin:
    """Where a run comes from: the command, the target, the process, and the code."""

    verb: str = ""
    trigger: str = ""
    schedule: str | None = None
    """The schedule that the run belongs to."""
    logical_time: str | None = None
    """The time of the schedule that the run belongs to: ISO 8601 in UTC, as the following."""
    data_interval_start: str | None = None
    data_interval_end: str | None = None
    command: tuple[str, ...] = ()
    """The words of the command line, with secrets masked."""
    retries: str | None = None
    """The run that this run retries."""
    target: str = ""
    target_identity: str = ""
    user: str = ""
    host: str = ""
    process: int | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(_Numbered):
    """The plan is complete and the first steps are about to start."""

    plan: Plan
    database: str
    """The database that the run writes to: its absolute path, or its host and name."""
    resumed: bool = False
    """Whether the run was interrupted or unsuccessful before, and is now resumed."""
    settled: tuple[Outcome, ...] = ()
    """The outcomes of the steps that need not run again, in the order of the plan."""
    origin: RunOrigin = RunOrigin()
    """Set by the record, which knows it."""
    estimate: Estimate | None = None
    """How long the run takes from now on; None if earlier runs do not show it, or it was not known in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(_Numbered):
    """A step was handed to its runner."""

    step_id: StepId
    attempt: int | None = None
    """The number of the attempt in the record of the run, from 1."""
    verifies: bool = False
    """Whether the step only verifies the existing result: it builds a copy and compares, and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(_Numbered):
    """An attempt ended in a transient error; the step waits and is then repeated."""

    outcome: Outcome
    again_at: datetime
    attempt: int
    """The number of the attempt in the run, from 1; attempts before a resume are included."""
    most: int
    """The number of the last attempt that is made if all of them end so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(_Numbered):
    """A step has an outcome. Skipped steps end without having started."""

    outcome: Outcome
    attempt: int | None = None
    """The number of the attempt that ended; None if the step ended without one."""
    known: RecordedFingerprint | None = None
    """The fingerprint of the result, as it was when the parents of the step had ended."""


class NoticeKind(StrEnum):
    """The subject of a notice."""

    WARNING = "warning"
    PRINTED = "printed"  # output of a model
    WAITING = "waiting"  # for a lock
    NOTE = "note"  # information, not a warning
    LEFT_OUT = "left_out"  # a selected node that does not run


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(_Numbered):
    """Information for the user that is not the outcome of a step, such as a warning from dbt or output of a model."""

    kind: NoticeKind
    message: str
    step_id: StepId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(_Numbered):
    """Every step has an outcome."""

    status: Status
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The run is expected to end at another time than was last said. It is not recorded, and so it is not an event."""

    at: datetime
    end: datetime
    """Passed as often as not."""
    low: datetime
    """The run ends earlier in one of ten cases."""
    high: datetime
    """The run ends later in one of ten cases."""
    unknown: int = 0
    """The number of remaining steps of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNotStarted:
    """An error prevented the run: nothing was planned, or nothing of the plan was started. It is not recorded."""

    at: datetime
    message: str
    hint: str = ""
    code: str = ""
    """The stable code of the kind of error; empty for a bug and for an interruption."""
    exit_code: int


RunEvent = RunStarted | StepStarted | AttemptEnded | StepEnded | Noticed | RunEnded
"""An event of a run that started."""
Event = RunEvent | RunNotStarted


def step_of_event(event: RunEvent) -> StepId | None:
    """Return the step that an event is about."""
    match event:
        case StepStarted() | Noticed():
            return event.step_id
        case AttemptEnded() | StepEnded():
            return event.outcome.step_id
        case RunStarted() | RunEnded():
            return None
