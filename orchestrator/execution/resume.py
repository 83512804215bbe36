"""What of a recorded run stands, and what is still to be done when the run goes on."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedAttempt, RecordedRun
from orchestrator.execution.replay import outcome_of
from orchestrator.plan.repair import Past
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import BuildStep, HookStep, IngestStep, StepId, TestStep, ValidationStep
from orchestrator.reuse.standing import Marker

_NOTHING: Mapping[str, Sequence[Outcome]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """What a run that goes on brings with it."""

    settled: tuple[Outcome, ...]
    """How the steps ended that need not run again, in the plan's order."""
    found: tuple[Outcome, ...] = ()
    """How further steps ended whose end was not recorded, as the target itself says."""
    tried: Mapping[StepId, int] = field(default_factory=dict)
    """How many tries of each step are recorded."""


def settled(run: RecordedRun, gone: AbstractSet[StepId] = frozenset()) -> tuple[Outcome, ...]:
    """Give how the steps ended that need not run again, in the plan's order.

    What ended well stands, but for builds that are gone, and their checks. Hooks run once a process, so they run again.
    """
    ended = ((run.plan.by_id[step.step_id], outcome_of(step)) for step in run.steps)
    return tuple(
        outcome
        for step, outcome in ended
        if outcome is not None
        and not outcome.status.halts
        and not isinstance(step, HookStep)
        and step.id not in gone
        and not (isinstance(step, TestStep | ValidationStep) and not gone.isdisjoint(step.parents))
    )


def tries(run: RecordedRun) -> dict[StepId, int]:
    """Count the recorded tries of each step."""
    return {step.step_id: step.last.number for step in run.steps if step.last is not None}


def cut_off(run: RecordedRun) -> dict[StepId, RecordedAttempt]:
    """Give the tries of builds of which nobody knows how they ended: cut off with their process, or interrupted."""
    return {
        step.step_id: step.last
        for step in run.steps
        if step.last is not None and _is_cut_off(step.last) and isinstance(run.plan.by_id[step.step_id], BuildStep)
    }


def done_after_all(run: RecordedRun, markers: Mapping[StepId, Marker]) -> Iterator[tuple[Marker, RecordedAttempt]]:
    """Give the builds that were cut off once all they had to do was committed, by their markers in the target.

    A marker of another try says nothing: what came after it may have undone, or doubled, what it stands for.
    """
    for step_id, attempt in cut_off(run).items():
        marker = markers.get(step_id)
        if (
            marker is not None
            and marker.is_whole
            and (marker.run_id, marker.attempt)
            == (
                run.head.run_id,
                attempt.number,
            )
        ):
            yield marker, attempt


def is_finished(run: RecordedRun) -> bool:
    """Say whether the run ended and nothing of it is left to do."""
    return run.head.status is not None and not run.head.status.halts


def unheard_loads(runs: Sequence[RecordedRun]) -> dict[StepId, tuple[RecordedRun, ...]]:
    """Give for each load the runs in which it was cut off since one that tells its end: a run and the retries of it."""
    found: dict[StepId, tuple[RecordedRun, ...]] = {}
    for run in runs:
        for step in run.steps:
            if step.last is None or not isinstance(run.plan.by_id[step.step_id], IngestStep):
                continue
            if _is_cut_off(step.last):
                found[step.step_id] = (*found.get(step.step_id, ()), run)
            else:
                found.pop(step.step_id, None)
    return found


def past_of(runs: Sequence[RecordedRun], found: Mapping[str, Sequence[Outcome]] = _NOTHING) -> Past:
    """Sort the steps of a run by how they ended, for its repair: a run and the retries of it, in their order.

    `found` gives by run how further steps of it ended, as the target itself says.
    """
    ended: dict[StepId, Outcome | None] = {}
    for run in runs:
        ended |= {step.step_id: outcome_of(step) for step in run.steps}
        ended |= {outcome.step_id: outcome for outcome in found.get(run.head.run_id, ())}
    return Past(
        failed=frozenset(
            id_ for id_, outcome in ended.items() if outcome is not None and outcome.status in FAIL_OR_ERROR
        ),
        well=frozenset(id_ for id_, outcome in ended.items() if outcome is not None and not outcome.status.halts),
        all=frozenset(ended),
    )


def _is_cut_off(attempt: RecordedAttempt) -> bool:
    """Say whether nobody knows how a try ended."""
    return attempt.outcome is None or attempt.outcome.status is Status.CANCELLED
