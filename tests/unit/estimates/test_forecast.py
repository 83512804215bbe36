"""The end of a run is estimated from what is left of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.estimates.forecast import Forecast
from orchestrator.estimates.run_progress import RunProgress
from orchestrator.execution.events import AttemptEnded, RunStarted, StepEnded, StepStarted
from orchestrator.execution.lanes import Limits
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.unit.estimates.histories import REUSED, forecast, foreseen

STEADY = [10.0] * 8


def decided(plan: str, **acts: Act) -> Plan:
    """Decide on steps of a plan."""
    steps = [
        replace(step, decision=Decision(act=acts[step.id], words="")) if step.id in acts else step
        for step in make_plan(plan).steps
    ]
    return Plan(steps=tuple(steps))


def left(found: Forecast, *events, after: float) -> float:
    """Say what is expected to be left of a run, so many seconds after its start."""
    state = RunProgress()
    for event in (RunStarted(at=NOON, plan=make_plan("a"), database=""), *events):
        state.hear(event)
    (rest,) = found.remaining(state, NOON + timedelta(seconds=after), (None,))
    return rest.expected


def started(step: str, after: float = 0) -> StepStarted:
    return StepStarted(at=NOON + timedelta(seconds=after), step_id=StepId(step))


def ended(step: str, seconds: float) -> StepEnded:
    return StepEnded(at=NOON + timedelta(seconds=seconds), outcome=make_outcome(step, seconds=seconds))


def test_a_chain_takes_the_sum_of_its_steps() -> None:
    """Give or take their spread."""
    estimate = forecast("a -> b -> c", {"a": STEADY, "b": STEADY, "c": STEADY}).estimate()
    assert estimate.seconds == pytest.approx(30, rel=0.1)
    assert estimate.low < estimate.seconds < estimate.high
    assert (estimate.runs, estimate.unknown) == (8, 0)


def test_steps_that_share_one_thread_take_their_sum() -> None:
    """With enough threads, they take as long as the longest."""
    steps = {"a": STEADY, "b": STEADY, "c": STEADY}
    assert forecast("a, b, c", steps, Limits(dbt=1)).estimate().seconds == pytest.approx(30, rel=0.1)
    assert forecast("a, b, c", steps, Limits(dbt=3)).estimate().seconds < 15


def test_without_a_record_there_is_no_estimate() -> None:
    """Rather than a guess."""
    assert foreseen("a -> b", {}) is None


def test_steps_of_which_nothing_is_known_are_counted() -> None:
    """The run takes at least what the others take."""
    assert forecast("a -> test_b", {"a": STEADY}).estimate().unknown == 1


def test_a_step_that_is_reused_costs_nothing() -> None:
    """Nor does one that is skipped from the start, and what is below it."""
    steps = {"a": STEADY, "b": STEADY, "c": STEADY}
    assert forecast(decided("a -> b -> c", a=Act.REUSE), steps).estimate().seconds == pytest.approx(20, rel=0.1)
    assert forecast(decided("a -> b -> c", b=Act.CLOSED), steps).estimate().seconds == pytest.approx(10, rel=0.1)


def test_a_step_that_runs_if_something_changed_counts_as_often_as_it_ran() -> None:
    """Most of the last runs reused it, or most of them ran it."""
    plan = decided("a", a=Act.IF_CHANGED)
    assert forecast(plan, {"a": [REUSED, REUSED, REUSED, REUSED, 10.0, 10.0]}).estimate().seconds == 0
    assert forecast(plan, {"a": [10.0, 10.0, 10.0, 10.0, 10.0, REUSED]}).estimate().seconds > 8


def test_of_a_running_step_only_the_rest_is_left() -> None:
    """One that takes longer than ever before is not expected to end at once."""
    found = forecast("a", {"a": STEADY})
    assert left(found, started("a"), after=6) == pytest.approx(4, abs=2)
    assert left(found, started("a"), after=500) > 10


def test_ended_steps_show_how_fast_this_run_is() -> None:
    """If everything takes twice as long, so does what is left."""
    names = [f"s{at}" for at in range(12)]
    found = forecast(" -> ".join(names), dict.fromkeys(names, STEADY))
    usual = left(found, *(ended(name, 10) for name in names[:6]), after=60)
    slow = left(found, *(ended(name, 20) for name in names[:6]), after=120)
    assert usual == pytest.approx(60, rel=0.15)
    assert slow > 1.4 * usual


def test_a_step_that_is_repeated_takes_its_wait_and_its_whole_time() -> None:
    """The attempt that failed is lost."""
    found = forecast("a", {"a": STEADY})
    failed = make_outcome("a", Status.ERROR, seconds=5)
    again = AttemptEnded(at=NOON, outcome=failed, again_at=NOON + timedelta(seconds=65), attempt=1, most=3)
    assert left(found, started("a"), again, after=5) == pytest.approx(70, rel=0.1)


def test_the_estimate_of_the_same_state_is_the_same() -> None:
    """The random numbers have a seed."""
    steps = {"a": [3.0, 9.0, 4.0], "b": [1.0, 2.0, 8.0]}
    assert forecast("a, b", steps).estimate() == forecast("a, b", steps).estimate()
