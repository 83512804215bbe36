"""Decides which loads are not due, because the last one is younger than `refresh_every`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from orchestrator.config.repeat_settings import LimitWish
from orchestrator.errors import StoreError
from orchestrator.execution.attempt_rules import names_of
from orchestrator.execution.changes import is_module_of
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ports import RunReader
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep, Step, StepId, Why
from orchestrator.reuse.last_success import LastAttempt
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.reuse.target_facts import WarehouseFacts
from orchestrator.wording import spell

EVERY_LOAD = "*"
_LOADED = frozenset({Status.SUCCESS, Status.WARN, Status.NO_DATA})


def with_recent_loads(
    plan: Plan,
    project: OpenTarget,
    reader: RunReader | None,
    last_attempts: Callable[[Collection[StepId]], Mapping[StepId, LastAttempt]],
    now: datetime,
) -> Plan:
    """Return the plan with a decision on each load that is not due; one that the user named is always due."""
    wishes = project.settings.refresh_every
    spans = {step.id: refresh_of(step, wishes) for step in plan.of(IngestStep) if step.cause.why is not Why.SELECTED}
    asked = [step for step, span in spans.items() if span is not None]
    if not asked or reader is None or project.snapshot.flags.full_refresh:
        return plan
    last, facts, root = last_attempts(asked), WarehouseFacts(project), project.settings.project_root

    def decided(step: Step) -> Step:
        found, span = last.get(step.id), spans.get(step.id)
        if not isinstance(step, IngestStep) or found is None or span is None:
            return step
        decision = recent(found, span, now)
        is_there = all(facts.exists(relation) is not False for relation in step.writes)
        if decision is None or not is_there or not _is_same(step, found, reader, root):
            return step
        return replace(step, decision=decision)

    return replace(plan, steps=tuple(map(decided, plan.steps)))


def refresh_of(step: IngestStep, wishes: Mapping[str, LimitWish]) -> timedelta | None:
    """Return how old the last load may be, by the most specific name of a load; None if it is due in every run."""
    names = [name for name in (EVERY_LOAD, *names_of(step)) if name in wishes]
    return wishes[names[-1]].limit if names else None


def recent(last: LastAttempt, span: timedelta, now: datetime) -> Decision | None:
    """Return the decision on a load that succeeded within the span; None if it is due."""
    if last.status not in _LOADED or last.ended_at is None:
        return None
    age = (now - last.ended_at).total_seconds()
    # A clock that was set back must not keep a load from running.
    if not 0 <= age < span.total_seconds():
        return None
    words = f"loaded {spell(age)} ago; refresh_every is {spell(span.total_seconds())}"
    return Decision(act=Act.RECENT, words=words, of_run=last.run_id)


def not_repeated(step: Step, decision: Decision) -> Outcome:
    """Return the outcome of a load that is not due: what is below reads the existing rows."""
    reason = Reason(code=ReasonCode.RECENT)
    return Outcome(step_id=step.id, status=Status.REUSED, reason=reason, message=decision.words, path=step.path)


def _is_same(step: IngestStep, last: LastAttempt, reader: RunReader, project_root: Path) -> bool:
    """Return whether the last load, with the same code, loaded all that this one would."""
    try:
        run = reader.run(last.run_id)
    except StoreError:  # it was deleted from the record since
        return False
    then = run.plan.by_id.get(step.id)
    if not isinstance(then, IngestStep):
        return False
    covers = not then.resources or (bool(step.resources) and set(step.resources) <= set(then.resources))
    return covers and is_module_of(project_root, run, step.path)
