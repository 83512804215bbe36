"""A load that failed run after run is left out for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.execution.breaker import Breaker, not_attempted, with_open_circuits
from orchestrator.execution.recorded import Failing
from orchestrator.execution.verdict import exit_code, first_causes, run_status
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import Cause, StepId, Why
from tests.factories import make_plan

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
LOAD = StepId("load_bts")
HOURLY = Breaker(after=3, try_again_after=timedelta(hours=1))


def _plan(why: Why) -> Plan:
    plan = make_plan("load_bts -> stg")
    cause = Cause(why=why, of=NodeId("source.bts.flights"))
    return replace(plan, steps=tuple(replace(s, cause=cause) if s.id == LOAD else s for s in plan.steps))


def _failed(times: int, ago: timedelta) -> dict[StepId, Failing]:
    return {LOAD: Failing(times=times, last_at=NOON - ago)}


@pytest.mark.parametrize(
    ("times", "minutes", "why", "act"),
    [
        (2, 5, Why.FEEDS, None),
        (3, 5, Why.FEEDS, Act.OPEN),
        (3, 59, Why.FEEDS, Act.OPEN),
        (3, 60, Why.FEEDS, Act.RUN),
        (3, 5, Why.SELECTED, None),
    ],
)
def test_a_load_is_omitted_between_repeated_failures_and_the_next_attempt(
    times: int, minutes: int, why: Why, act: Act | None
) -> None:
    """Not before it failed so often, not when it is time to try again, and never when it was named."""
    plan = with_open_circuits(_plan(why), _failed(times, timedelta(minutes=minutes)), HOURLY, NOON)
    decision = plan.by_id[LOAD].decision
    assert (decision.act if decision else None) is act
    assert plan.by_id[StepId("stg")].decision is None


@pytest.mark.parametrize(
    ("skips_below", "status", "code", "halts"), [(False, Status.WARN, 0, False), (True, Status.SKIPPED, 1, True)]
)
def test_descendants_of_an_omitted_load_read_the_existing_table_or_are_skipped(
    skips_below: bool, status: Status, code: int, halts: bool
) -> None:
    """The run says so either way: with a warning, or as one that is not green, with the load as its first cause."""
    breaker = replace(HOURLY, skips_below=skips_below)
    step = with_open_circuits(_plan(Why.FEEDS), _failed(3, timedelta(minutes=12)), breaker, NOON).by_id[LOAD]
    assert step.decision is not None
    outcome = not_attempted(step, step.decision)
    assert (outcome.status, outcome.status.halts) == (status, halts)
    assert outcome.message == "not run: failed in the last 3 runs; attempted again in 48 min"
    assert exit_code(run_status([outcome])) == code
    assert [cause.outcome for cause in first_causes([outcome])] == ([outcome] if halts else [])
