"""Defines the events that listeners receive during a run. Every event can be serialized to JSON."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.execution.outcome import Outcome
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.standing import RecordedFingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The plan is complete and the first steps are about to start."""

    run_id: str
    at: datetime
    plan: Plan
    database: str
    """The database that the run writes to: its absolute path, or its host and name."""
    resumed: bool = False
    """Whether the run was interrupted or unsuccessful before, and is now resumed."""
    settled: tuple[Outcome, ...] = ()
    """The outcomes of the steps that need not run again, in the order of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step was handed to its runner."""

    at: datetime
    step_id: StepId
    verifies: bool = False
    """Whether the step only verifies the existing result: it builds a copy and compares, and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """An attempt ended in a transient error; the step waits and is then repeated."""

    at: datetime
    outcome: Outcome
    again_at: datetime
    attempt: int
    """The number of the attempt, from 1."""
    most: int
    """The maximum number of attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """A step has an outcome. Skipped steps end without having started."""

    at: datetime
    outcome: Outcome
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
class Noticed:
    """Information for the user that is not the outcome of a step, such as a warning from dbt or output of a model."""

    at: datetime
    kind: NoticeKind
    message: str
    step_id: StepId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """Every step has an outcome."""

    run_id: str
    at: datetime
    status: Status
    outcomes: tuple[Outcome, ...]


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
