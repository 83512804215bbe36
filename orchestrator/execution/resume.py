"""What of a recorded run stands, and what is still to be done when the run goes on."""

from collections.abc import Sequence

from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.replay import outcome_of
from orchestrator.plan.repair import Past
from orchestrator.plan.step import HookStep


def settled(run: RecordedRun) -> tuple[Outcome, ...]:
    """Give how the steps ended that need not run again, in the plan's order.

    What ended well stands. Hooks run once a process, so they run again.
    """
    ended = ((step.step_id, outcome_of(step)) for step in run.steps)
    return tuple(
        outcome
        for step_id, outcome in ended
        if outcome is not None and not outcome.status.halts and not isinstance(run.plan.by_id[step_id], HookStep)
    )


def is_finished(run: RecordedRun) -> bool:
    """Say whether the run ended and nothing of it is left to do."""
    return run.head.status is not None and not run.head.status.halts


def past_of(runs: Sequence[RecordedRun]) -> Past:
    """Sort the steps of a run by how they ended, for its repair: a run and the retries of it, in their order."""
    ended = {step.step_id: outcome_of(step) for run in runs for step in run.steps}
    broken = {Status.FAIL, Status.ERROR}
    return Past(
        failed=frozenset(id_ for id_, outcome in ended.items() if outcome is not None and outcome.status in broken),
        well=frozenset(id_ for id_, outcome in ended.items() if outcome is not None and not outcome.status.halts),
        all=frozenset(ended),
    )
