"""A simulated run takes the same way as a run of the scheduler itself."""

from collections.abc import Mapping
from heapq import heappop, heappush
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.estimates.simulation import Begun, shape_of, simulated
from orchestrator.execution.lanes import Limits
from orchestrator.execution.scheduler import Scheduler
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan, make_step

KINDS = ("model", "test", "load", "suite", "age", "fresh")
Intervals = dict[str, tuple[float, float]]


@st.composite
def plans(draw) -> Plan:
    steps = []
    for at in range(draw(st.integers(1, 14))):
        before = [step.id for step in steps]
        links = st.lists(st.sampled_from(before), unique=True, max_size=3) if before else st.just([])
        pool, priority = draw(st.sampled_from([None, None, "erp", "crm"])), draw(st.sampled_from([None, 3]))
        name = f"{draw(st.sampled_from(KINDS))}_{at}"
        steps.append(make_step(name, parents=draw(links), after=draw(links), pool=pool, priority=priority))
    return Plan(steps=tuple(draw(st.permutations(steps))))


limits = st.builds(
    Limits,
    dbt=st.integers(1, 4),
    ingest=st.integers(1, 3),
    validate=st.integers(1, 2),
    pools=st.fixed_dictionaries({"erp": st.integers(1, 3), "crm": st.integers(1, 2)}),
)


def really_played(
    plan: Plan, limits: Limits, seconds: list[float], expected: Mapping[StepId, float] | None = None
) -> Intervals:
    """Say from when to when each step runs, by the scheduler of runs."""
    takes = {step.id: seconds[at] for at, step in enumerate(plan.steps)}
    # Of ends at the same time, the order does not matter to the rules; here it is that of the simulation.
    position = {step.id: at for at, step in enumerate(plan.steps)}
    scheduler = Scheduler(plan, limits, expected_seconds=expected or {})
    now, running, found = 0.0, list[tuple[float, int, str]](), Intervals()
    decision = scheduler.begin()
    while not decision.ended:
        for step in decision.start:
            found[step.id] = (now, now + takes[step.id])
            heappush(running, (now + takes[step.id], position[step.id], step.id))
        now, _, ended = heappop(running)
        decision = scheduler.end(make_outcome(ended))
    return found


def drawn_seconds(data: st.DataObject, plan: Plan) -> list[float]:
    return [float(data.draw(st.integers(1, 50))) + at / 1000 for at in range(len(plan.steps))]


@given(data=st.data(), plan=plans(), limits=limits)
def test_steps_end_when_they_do_in_the_scheduler(data, plan: Plan, limits: Limits) -> None:
    """Parents, lanes and the order of ready steps are the same."""
    seconds = drawn_seconds(data, plan)
    ends = simulated(shape_of(plan, limits), seconds)
    played = really_played(plan, limits, seconds)
    assert dict(zip([step.id for step in plan.steps], ends, strict=True)) == {
        step: end for step, (_, end) in played.items()
    }


@given(data=st.data(), plan=plans(), limits=limits)
def test_the_rest_of_a_run_ends_when_the_whole_run_does(data, plan: Plan, limits: Limits) -> None:
    """From any moment on: running steps need what remains of them, ended ones nothing."""
    seconds = drawn_seconds(data, plan)
    played = really_played(plan, limits, seconds)
    end = max(end for _, end in played.values())
    moment = data.draw(st.floats(0, end))
    at_moment = [played[step.id] for step in plan.steps]
    running = [at for at, (start, end) in enumerate(at_moment) if start <= moment < end]
    ended = frozenset(at for at, (_, end) in enumerate(at_moment) if end <= moment)
    rest = [at_moment[at][1] - moment if at in running else seconds[at] for at in range(len(seconds))]
    ends = simulated(shape_of(plan, limits), rest, Begun(ended=ended, running=running))
    for at, (_, really) in enumerate(at_moment):
        assert at in ended or abs(moment + ends[at] - really) < 1e-6


@given(data=st.data(), plan=plans(), limits=limits)
def test_expected_durations_order_the_simulation_as_they_order_the_run(data, plan: Plan, limits: Limits) -> None:
    """The step with the longest way to the end starts first, by the same durations."""
    seconds = drawn_seconds(data, plan)
    expected = {step.id: float(data.draw(st.integers(0, 50))) for step in plan.steps}
    ends = simulated(shape_of(plan, limits, expected), seconds)
    played = really_played(plan, limits, seconds, expected)
    assert ends == [played[step.id][1] for step in plan.steps]


@pytest.mark.parametrize("seed", range(20))
def test_a_long_chain_among_many_short_nodes_is_close_to_the_optimum(seed: int) -> None:
    """The whole run takes at most 5 % longer than the optimum, which is at least the chain, and all work shared out."""
    random, threads = Random(seed), 4
    chain = " -> ".join(f"long_{at}" for at in range(5))
    plan = make_plan(", ".join([*(f"a{at} -> b{at} -> c{at} -> d{at} -> e{at} -> f{at}" for at in range(60)), chain]))
    takes = {step.id: random.uniform(20, 30) if "long" in step.id else random.uniform(0.05, 1.0) for step in plan.steps}
    seconds = [takes[step.id] for step in plan.steps]
    least = max(sum(takes[step] for step in takes if "long" in step), sum(seconds) / threads)

    def whole_run(expected: Mapping[StepId, float]) -> float:
        return max(end for _, end in really_played(plan, Limits(dbt=threads), seconds, expected).values())

    assert whole_run(takes) <= 1.05 * least
    assert whole_run({}) > 1.05 * least  # by the number of steps alone, the chain starts too late


def test_a_step_that_waits_for_its_repeat_holds_no_slot() -> None:
    """It starts again when its wait is over, as soon as a slot is free."""
    plan = make_plan("a, b -> c")
    shape = shape_of(plan, Limits(dbt=1))
    ends = simulated(shape, [5.0, 20.0, 1.0], Begun(waiting={0: 10.0}))
    assert ends == [25.0, 20.0, 26.0]
