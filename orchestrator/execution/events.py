"""What listeners hear while a run goes on; every event is a value that survives JSON."""

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
    """The plan is made and its first steps are about to start."""

    run_id: str
    at: datetime
    plan: Plan
    database: str
    """What the run writes to: the absolute path of the database, or its host and name."""
    resumed: bool = False
    """Whether the run was broken off, or did not end well, and now goes on."""
    settled: tuple[Outcome, ...] = ()
    """How the steps ended that need not run again, in the plan's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step was handed to its runner."""

    at: datetime
    step_id: StepId
    verifies: bool = False
    """Whether what stands is only compared with what the step builds to now: it stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """A try of a step ended in an error that may pass: the step waits, and is tried again."""

    at: datetime
    outcome: Outcome
    again_at: datetime
    attempt: int
    """Which try it was, from 1 on."""
    most: int
    """How many tries there may be in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """A step has an outcome; skipped steps end without having started."""

    at: datetime
    outcome: Outcome
    known: RecordedFingerprint | None = None
    """What the result followed from, as it was when the step's parents had ended."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    WARNING = "warning"
    PRINTED = "printed"  # a model's own words
    WAITING = "waiting"  # for a lock
    NOTE = "note"  # a fact that is no warning
    LEFT_OUT = "left_out"  # a node that was selected and does not run


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something the user should know that is no step's outcome: a warning of dbt, what a model printed."""

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


Event = RunStarted | StepStarted | AttemptEnded | StepEnded | Noticed | RunEnded
