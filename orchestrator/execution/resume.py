"""Decides which results of a recorded run are kept, and what is left to do when the run is resumed."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator.errors import RepairError, UnknownRunError
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import RunReader
from orchestrator.execution.recorded import RETRIES, RecordedAttempt, RecordedRun
from orchestrator.execution.replay import outcome_of
from orchestrator.plan.repair_plan import RepairedRuns
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import BuildStep, IngestStep, StepId, is_check, is_hook
from orchestrator.reuse.last_success import Marker

_NOTHING: Mapping[str, Sequence[Outcome]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """What a resumed run takes over from its record."""

    settled: tuple[Outcome, ...]
    """The outcomes of the steps that need not run again, in the order of the plan."""
    found: tuple[Outcome, ...] = ()
    """Outcomes that were not recorded, recovered from the target itself."""
    tried: Mapping[StepId, int] = field(default_factory=dict)
    """The number of recorded attempts of each step."""


def settled(run: RecordedRun, gone: AbstractSet[StepId] = frozenset()) -> tuple[Outcome, ...]:
    """Return the outcomes of the steps that need not run again, in the order of the plan.

    Successful outcomes are kept, except for builds whose tables are gone, and the checks on those. Hooks run once per
    process, so they run again.
    """
    ended = ((run.plan.by_id[step.step_id], outcome_of(step)) for step in run.steps)
    return tuple(
        outcome
        for step, outcome in ended
        if outcome is not None
        and not outcome.status.halts
        and not is_hook(step)
        and step.id not in gone
        and not (is_check(step) and not gone.isdisjoint(step.parents))
    )


def attempt_counts(run: RecordedRun) -> dict[StepId, int]:
    """Return the number of recorded attempts of each step."""
    return {step.step_id: step.last.number for step in run.steps if step.last is not None}


def cut_off(run: RecordedRun) -> dict[StepId, RecordedAttempt]:
    """Return the attempts of builds whose end is unknown: cut off with their process, or interrupted."""
    return {
        step.step_id: step.last
        for step in run.steps
        if step.last is not None and _is_cut_off(step.last) and isinstance(run.plan.by_id[step.step_id], BuildStep)
    }


def done_after_all(run: RecordedRun, markers: Mapping[StepId, Marker]) -> Iterator[tuple[Marker, RecordedAttempt]]:
    """Yield the builds that were cut off after all of their work was committed, as their markers in the target show.

    A marker of another attempt proves nothing: a later attempt may have undone or duplicated its work.
    """
    for step_id, attempt in cut_off(run).items():
        marker = markers.get(step_id)
        if (
            # A marker that is not whole leaves open whether work outside of its transaction was done.
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
    """Return whether the run ended and nothing of it is left to do."""
    return run.head.status is not None and not run.head.status.halts


def unrecorded_loads(runs: Sequence[RecordedRun]) -> dict[StepId, tuple[RecordedRun, ...]]:
    """Return, for each load, the runs in which it was cut off since its last known end: a run and its retries."""
    found: dict[StepId, tuple[RecordedRun, ...]] = {}
    for run in runs:
        for step in run.steps:
            if step.last is None or not isinstance(run.plan.by_id[step.step_id], IngestStep):
                continue
            if _is_cut_off(step.last):
                found[step.step_id] = (*found.get(step.step_id, ()), run)
            else:
                # With a known end it extracts again; what earlier attempts left is only completed or dropped first.
                found.pop(step.step_id, None)
    return found


def past_of(runs: Sequence[RecordedRun], found: Mapping[str, Sequence[Outcome]] = _NOTHING) -> RepairedRuns:
    """Return the steps of a run and its retries, in order, grouped by how they ended, for the repair of the run.

    `found` has, by run, the outcomes that were recovered from the target itself.
    """
    ended: dict[StepId, Outcome | None] = {}
    continued: set[StepId] = set()
    for run in runs:
        continued |= {step.id for step in run.plan.steps if isinstance(step, BuildStep) and step.continues_on_error}
        ended |= {step.step_id: outcome_of(step) for step in run.steps}
        ended |= {outcome.step_id: outcome for outcome in found.get(run.head.run_id, ())}
    return RepairedRuns(
        failed=frozenset(
            id_ for id_, outcome in ended.items() if outcome is not None and outcome.status in FAIL_OR_ERROR
        ),
        well=frozenset(id_ for id_, outcome in ended.items() if outcome is not None and not outcome.status.halts),
        all=frozenset(ended),
        continued=frozenset(continued),
    )


def _is_cut_off(attempt: RecordedAttempt) -> bool:
    """Return whether the end of an attempt is unknown."""
    # An interrupted build may have committed before the interruption reached it.
    return attempt.outcome is None or attempt.outcome.status is Status.CANCELLED


def refuse_hooks_alone(run: RecordedRun) -> None:
    """Refuse to retry a run in which only hooks failed: a retry runs nodes, and would leave the failure as it is.

    Raises:
        RepairError: it is so.
    """
    failed = [step for step in run.steps if step.status in FAIL_OR_ERROR]
    if failed and all(is_hook(run.plan.by_id[step.step_id]) for step in failed):
        unfinished = [step for step in run.steps if step.status in {Status.SKIPPED, Status.CANCELLED, None}]
        if not unfinished:
            raise RepairError(
                f"Only the hook {failed[0].name} failed in the run {run.head.run_id}, and a retry runs no hooks alone.",
                hint=f"Fix the hook, then run the hooks again: elt resume {run.head.run_id} --accept-changes",
            )


def runs_retried(reader: RunReader, run: RecordedRun) -> Iterator[RecordedRun]:
    """Yield the run that a run retried, the run that this one retried, and so on, as far as they are still recorded."""
    while isinstance(name := run.asked.get(RETRIES), str):
        try:
            run = reader.run(name)
        except UnknownRunError:  # deleted by `prune`
            return
        yield run
