"""Skips the loads of a source that failed in several consecutive runs, until it has had time to recover."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.recorded import Failing
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep, Step, StepId, Why
from orchestrator.wording import spell

SAYS_NOTHING = frozenset({Status.SKIPPED, Status.CANCELLED})
"""Statuses of a step that was not attempted, or not completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When a load is not attempted, and what then happens downstream of it."""

    after: int
    """The number of consecutive runs in which it failed."""
    try_again_after: timedelta
    """How long after the last failure one run attempts the load again."""
    skips_below: bool = False
    """Whether downstream steps are skipped, rather than run on the existing rows."""


def with_open_circuits(plan: Plan, failing: Mapping[StepId, Failing], breaker: Breaker, now: datetime) -> Plan:
    """Return the plan with a decision on each load that failed so often; a load the user named is always attempted."""
    return replace(plan, steps=tuple(_decided(step, failing.get(step.id), breaker, now) for step in plan.steps))


def not_attempted(step: Step, decision: Decision) -> Outcome:
    """Return the outcome of a load that is not attempted: downstream steps use the existing rows, or are skipped."""
    return Outcome(
        step_id=step.id,
        status=Status.SKIPPED if decision.act is Act.OPEN_SKIPS else Status.WARN,
        reason=Reason(code=ReasonCode.CIRCUIT_OPEN),
        message=f"not run: {decision.words}",
        path=step.path,
    )


def _decided(step: Step, failing: Failing | None, breaker: Breaker, now: datetime) -> Step:
    if not isinstance(step, IngestStep) or step.cause.why is Why.SELECTED:
        return step
    if failing is None or failing.times < breaker.after:
        return step
    # If that attempt fails too, its own end counts as the last failure, and the circuit is open again.
    again_at = failing.last_at + breaker.try_again_after
    if now >= again_at:
        ago = spell((now - failing.last_at).total_seconds())
        words = f"attempted again: failed in the last {failing.times} runs, last {ago} ago"
        return replace(step, decision=Decision(act=Act.RUN, words=words))
    words = f"failed in the last {failing.times} runs; attempted again in {spell((again_at - now).total_seconds())}"
    act = Act.OPEN_SKIPS if breaker.skips_below else Act.OPEN
    return replace(step, decision=Decision(act=act, words=words))
