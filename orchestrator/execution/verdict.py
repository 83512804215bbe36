"""What the outcomes of a run amount to: its status, its exit code, its first causes, its counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from orchestrator.errors import EltError
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
)

_NOT_ASKED = frozenset({ReasonCode.GATE_CLOSED, ReasonCode.CIRCUIT_OPEN})
"""Why a step is skipped that nothing in this run halted: a check or a load said no before, and is not asked now."""


class ExitCode(IntEnum):
    """What the process says at its end."""

    SUCCESS = 0  # warnings allowed
    NOT_GREEN = 1  # a step failed or errored, or a gate closed
    USAGE = 2  # the command line, the configuration, or a selection that is empty
    INTERNAL = 3  # a bug
    INTERRUPTED = 130


class Kind(StrEnum):
    """What a step does, in the words of the summary."""

    INGEST = "ingest"
    FRESHNESS = "freshness"
    HOOK = "hook"
    BUILD = "build"
    TEST = "test"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCause:
    """A step at which a halt began, and what did not run because of it."""

    outcome: Outcome
    halted: tuple[StepId, ...] = ()
    """Its descendants."""
    broken_off: tuple[StepId, ...] = ()
    """What fail-fast skipped or interrupted beside them."""


def run_status(outcomes: Iterable[Outcome]) -> Status:
    """Give the status of a run: cancelled, error, fail, warn or success, the first of them that applies."""
    statuses = set()
    for outcome in outcomes:
        if outcome.reason.code is ReasonCode.INTERRUPTED:
            return Status.CANCELLED  # also a step that erred and was not tried again because of it
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
    """Give the exit code of a run that ended with the status."""
    match status:
        case Status.SUCCESS | Status.WARN | Status.REUSED | Status.NO_DATA:
            return ExitCode.SUCCESS
        case Status.FAIL | Status.ERROR | Status.SKIPPED:
            return ExitCode.NOT_GREEN
        case Status.CANCELLED:
            return ExitCode.INTERRUPTED


def exit_code_of_error(error: BaseException) -> ExitCode:
    """Give the exit code for what kept a run from starting or broke the program."""
    match error:
        case EltError():
            return ExitCode(error.exit_code)
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.INTERNAL


def first_causes(outcomes: Sequence[Outcome]) -> tuple[FirstCause, ...]:
    """Group what did not run by the step to blame; every fail and error is a cause, also one that halted nothing."""
    halted: dict[StepId, list[StepId]] = {}
    broken_off: dict[StepId, list[StepId]] = {}
    for outcome in outcomes:
        if outcome.reason.code is ReasonCode.NO_NEW_DATA:
            continue  # nothing went wrong: the run stays green
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
    """Count the outcomes of each status that occurs, in the order in which `Status` lists them."""
    counts = Counter(outcome.status for outcome in outcomes)
    return {status: counts[status] for status in Status if counts[status]}


def count_by_kind(plan: Plan, outcomes: Iterable[Outcome]) -> dict[Kind, Mapping[Status, int]]:
    """Count the outcomes of each status for each kind of step that occurs."""
    by_kind: dict[Kind, list[Outcome]] = {}
    for outcome in outcomes:
        by_kind.setdefault(kind_of(plan.by_id[outcome.step_id]), []).append(outcome)
    return {kind: count_by_status(by_kind[kind]) for kind in Kind if kind in by_kind}


def slowest(outcomes: Iterable[Outcome], count: int = 5) -> tuple[Outcome, ...]:
    """Give the steps that ran longest, longest first; those that did not run are left out."""
    ran = (outcome for outcome in outcomes if outcome.elapsed)
    return tuple(sorted(ran, key=lambda outcome: outcome.elapsed, reverse=True)[:count])


def kind_of(step: Step) -> Kind:
    """Say what a step does."""
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


def _is_unexplained(outcome: Outcome) -> bool:
    """Whether a step did not run (to its end) and nothing says which other step is to blame: not green either."""
    if outcome.status not in (Status.SKIPPED, Status.CANCELLED):
        return False
    return outcome.reason.blame is None and outcome.reason.code is not ReasonCode.INTERRUPTED
