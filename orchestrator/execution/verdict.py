"""Summarizes the outcomes of a run: its status, exit code, first causes and counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from orchestrator.errors import EltError
from orchestrator.execution.events import RunNotStarted
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.masking import Masker
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
)

_NOT_ASKED = frozenset({ReasonCode.GATE_CLOSED, ReasonCode.CIRCUIT_OPEN})
"""Skip reasons without a cause in this run: a check or a load did not succeed before, and was not run now."""


class ExitCode(IntEnum):
    """The exit code of the process."""

    SUCCESS = 0  # warnings allowed
    NOT_GREEN = 1  # a step failed or errored, or a gate is closed
    USAGE = 2  # the command line, the configuration, or an empty selection
    INTERNAL = 3  # a bug
    INTERRUPTED = 130


class Kind(StrEnum):
    """The kind of a step, as shown in the summary."""

    INGEST = "ingest"
    FRESHNESS = "freshness"
    HOOK = "hook"
    BUILD = "build"
    TEST = "test"
    VALIDATION = "validation"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCause:
    """A step at which a halt began, and the steps that did not run because of it."""

    outcome: Outcome
    halted: tuple[StepId, ...] = ()
    """Its descendants."""
    broken_off: tuple[StepId, ...] = ()
    """Other steps that fail-fast skipped or interrupted."""


def run_status(outcomes: Iterable[Outcome]) -> Status:
    """Return the status of a run: cancelled, error, fail, warn or success, the first of them that applies."""
    statuses = set()
    for outcome in outcomes:
        if outcome.reason.code is ReasonCode.INTERRUPTED:
            return Status.CANCELLED  # also a step with an error that was not repeated because of the interruption
        if outcome.status is Status.SKIPPED and outcome.reason.code in _NOT_ASKED:
            statuses.add(Status.FAIL)
        if outcome.warns:
            statuses.add(Status.WARN)
        statuses.add(Status.ERROR if _is_unexplained(outcome) else outcome.status)
    for status in (Status.ERROR, Status.FAIL, Status.WARN):
        if status in statuses:
            return status
    return Status.SUCCESS


def exit_code(status: Status) -> ExitCode:
    """Return the exit code of a run that ended with the status."""
    match status:
        case Status.SUCCESS | Status.WARN | Status.REUSED | Status.NO_DATA:
            return ExitCode.SUCCESS
        case Status.FAIL | Status.ERROR | Status.SKIPPED:
            return ExitCode.NOT_GREEN
        case Status.CANCELLED:
            return ExitCode.INTERRUPTED


def exit_code_of_error(error: BaseException) -> ExitCode:
    """Return the exit code for an error that prevented a run or broke the program."""
    match error:
        case EltError():
            return ExitCode(error.exit_code)
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.INTERNAL


def not_started(error: BaseException, at: datetime, masker: Masker) -> RunNotStarted:
    """Return the event of an error that prevented a run."""
    match error:
        case EltError():
            message, hint = error.message, error.hint
        case KeyboardInterrupt():
            message, hint = "Interrupted.", ""
        case _:
            message, hint = f"{type(error).__name__}: {error}", "This is a bug of elt."
    return RunNotStarted(
        at=at,
        message=masker.text(message),
        hint=masker.text(hint),
        code=getattr(error, "code", ""),
        exit_code=int(exit_code_of_error(error)),
    )


def first_causes(outcomes: Sequence[Outcome]) -> tuple[FirstCause, ...]:
    """Group the steps that did not run by the step to blame; every fail or error is a cause, even if it halted none."""
    halted: dict[StepId, list[StepId]] = {}
    broken_off: dict[StepId, list[StepId]] = {}
    for outcome in outcomes:
        if outcome.reason.code is ReasonCode.NO_NEW_DATA:
            continue  # not a problem: the run stays green
        # The limit has no step to blame, and the check that closed a gate is not in this run.
        if outcome.reason.code in {ReasonCode.RUN_TIME_LIMIT, ReasonCode.GATE_CLOSED}:
            continue
        if outcome.reason.blame is not None and outcome.status in (Status.SKIPPED, Status.CANCELLED):
            kind = broken_off if outcome.reason.code is ReasonCode.FAIL_FAST else halted
            kind.setdefault(outcome.reason.blame, []).append(outcome.step_id)
    return tuple(
        FirstCause(
            outcome=outcome,
            halted=tuple(halted.get(outcome.step_id, ())),
            broken_off=tuple(broken_off.get(outcome.step_id, ())),
        )
        for outcome in outcomes
        if outcome.status in FAIL_OR_ERROR
        or (outcome.status is Status.SKIPPED and outcome.reason.code in _NOT_ASKED)
        or (_is_unexplained(outcome) and outcome.reason.code is not ReasonCode.RUN_TIME_LIMIT)
        or outcome.step_id in halted
        or outcome.step_id in broken_off
    )


def count_by_status(outcomes: Iterable[Outcome]) -> dict[Status, int]:
    """Count the outcomes of each status that occurs, in the order of `Status`."""
    counts = Counter(outcome.status for outcome in outcomes)
    return {status: counts[status] for status in Status if counts[status]}


def count_by_kind(plan: Plan, outcomes: Iterable[Outcome]) -> dict[Kind, Mapping[Status, int]]:
    """Count the outcomes of each status for each kind of step that occurs."""
    by_kind: dict[Kind, list[Outcome]] = {}
    for outcome in outcomes:
        by_kind.setdefault(kind_of(plan.by_id[outcome.step_id]), []).append(outcome)
    return {kind: count_by_status(by_kind[kind]) for kind in Kind if kind in by_kind}


def slowest(outcomes: Iterable[Outcome], count: int = 5) -> tuple[Outcome, ...]:
    """Return the steps that ran longest, longest first; steps that did not run are omitted."""
    ran = (outcome for outcome in outcomes if outcome.elapsed)
    return tuple(sorted(ran, key=lambda outcome: outcome.elapsed, reverse=True)[:count])


def kind_of(step: Step) -> Kind:
    """Return the kind of a step."""
    match step:
        case IngestStep():
            return Kind.INGEST
        case FreshnessStep():
            return Kind.FRESHNESS
        case HookStep():
            return Kind.HOOK
        case BuildStep():
            return Kind.BUILD
        case TestStep():
            return Kind.TEST
        case ValidationStep():
            return Kind.VALIDATION
        case OwnStep():
            return Kind.STEP


def _is_unexplained(outcome: Outcome) -> bool:
    """Return whether a step did not run (to its end) without another step to blame, which is not green either."""
    if outcome.status not in (Status.SKIPPED, Status.CANCELLED):
        return False
    return outcome.reason.blame is None and outcome.reason.code is not ReasonCode.INTERRUPTED
