"""Lists the commands to type after a run, and what each one does."""

import shlex
from collections.abc import Iterator

from orchestrator.execution.events import RunEnded, RunStarted
from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.verdict import ExitCode, exit_code, first_causes
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import shown_name
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep, HookStep, OwnStep

ENDED_EARLY = frozenset({ReasonCode.INTERRUPTED, ReasonCode.RUN_TIME_LIMIT})
"""Reasons of steps that did not finish because the whole run ended."""


def next_steps(started: RunStarted, ended: RunEnded) -> Iterator[tuple[str, str]]:
    """Yield the commands, most useful first; none after a run that needs no attention."""
    if exit_code(ended.status) is ExitCode.SUCCESS:
        return
    run, plan = ended.run_id, started.plan
    causes = first_causes(ended.outcomes)
    if causes:
        worst = max(causes, key=lambda cause: len(cause.halted)).outcome.step_id
        step = plan.by_id.get(worst)
        name = worst if step is None else shown_name(step) if isinstance(step, OwnStep) else step.name
        yield f"elt logs {run} {shlex.quote(name)}", "what happened there"
    yield f"elt show {run}", "every step of this run"
    if any(outcome.reason.code in ENDED_EARLY for outcome in ended.outcomes):
        yield f"elt resume {run}", "finishes it; what succeeded does not run again"
    elif causes and all(isinstance(plan.by_id.get(cause.outcome.step_id), HookStep) for cause in causes):
        yield f"elt resume {run} --accept-changes", "once the hook is corrected: runs the hooks again"
    else:
        yield f"elt retry {run}", "once the cause is corrected: runs what failed and what it halted"
    if _is_halted_by_age(plan, ended):
        yield "--no-freshness", "the option that builds without checking the age of sources"


def _is_halted_by_age(plan: Plan, ended: RunEnded) -> bool:
    """Return whether a source is too old and the plan contained other steps."""
    gates = {step.id for step in plan.of(FreshnessStep)}
    is_stale = any(outcome.step_id in gates and outcome.status is Status.FAIL for outcome in ended.outcomes)
    return is_stale and len(gates) < len(plan.steps)
