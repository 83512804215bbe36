"""What the steps of a run took, and which of them its length depends on."""

from collections.abc import Iterator
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.estimates.run_timings import RunTimings, run_timings
from orchestrator.execution.events import AttemptEnded, RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.unit.estimates.test_simulation import drawn_seconds, limits, plans, really_played


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def played(plan: Plan, times: dict[str, tuple[float, float]], **outcomes: Outcome) -> Iterator[RunEvent]:
    """Yield the events of a run whose steps start and end so many seconds after it."""
    yield RunStarted(at=NOON, run_id="r1", plan=plan, database="db")
    yield from (StepStarted(at=NOON + after(start), step_id=StepId(step)) for step, (start, _) in times.items())
    for step, (_, end) in times.items():
        yield StepEnded(at=NOON + after(end), outcome=outcomes.get(step, make_outcome(step)))
    end = max(end for _, end in times.values())
    yield RunEnded(at=NOON + after(end), status=Status.SUCCESS, outcomes=())


def found(events: Iterator[RunEvent]) -> RunTimings:
    timings = run_timings(events)
    assert timings is not None
    return timings


def path(timings: RunTimings) -> list[str]:
    return [one.step.id for one in timings.path]


def test_the_critical_path_leads_to_the_step_that_ended_last():
    """Each step of it is followed by one that it held up longest."""
    plan = make_plan("a -> c, b -> c -> d, e")
    timings = found(played(plan, {"a": (0, 1), "b": (0, 4), "e": (0, 6), "c": (4, 5), "d": (5, 9)}))
    assert path(timings) == ["b", "c", "d"]
    assert timings.path_took == timings.took == after(9)


def test_a_step_waited_from_the_end_of_what_it_waits_for_until_it_started():
    """C was held up by a full lane for two seconds."""
    plan = make_plan("a -> c, b -> c")
    timings = found(played(plan, {"a": (0, 1), "b": (0, 4), "c": (6, 7)}))
    assert {one.step.id: one.waited for one in timings.steps} == {"a": after(0), "b": after(0), "c": after(2)}
    assert timings.waited_on_path == {Lane.DBT: after(2)}
    assert timings.unlimited == after(5)


def test_what_the_first_steps_wait_for_is_the_start_of_the_run():
    """A run records its opening before any step starts; none of them waited for a slot then."""
    timings = found(played(make_plan("a, b"), {"a": (0.5, 1), "b": (1.5, 2)}))
    assert [one.waited for one in timings.steps] == [after(0), after(1)]


def test_the_waits_between_attempts_are_apart_from_what_the_step_ran():
    """Two attempts of a second each, with five seconds between them."""
    plan = make_plan("a")
    error = make_outcome("a", Status.ERROR)
    events = [
        RunStarted(at=NOON, run_id="r1", plan=plan, database="db"),
        StepStarted(at=NOON, step_id=StepId("a")),
        AttemptEnded(at=NOON + after(1), outcome=error, again_at=NOON + after(6), attempt=1, most=2),
        StepStarted(at=NOON + after(6), step_id=StepId("a")),
        StepEnded(at=NOON + after(7), outcome=make_outcome("a")),
    ]
    (step,) = found(iter(events)).steps
    assert (step.ran, step.between) == (after(2), after(5))


def test_compiling_executing_and_recording_are_told_apart():
    """dbt's own timings, and the gaps around what the tool did."""
    timing = {"name": "compile", "started_at": "2026-11-29T12:00:00Z", "completed_at": "2026-11-29T12:00:00.250Z"}
    more = {"started_at": NOON + after(0.1), "ended_at": NOON + after(0.8), "query_seconds": 0.5}
    outcome = make_outcome("a", **more, dbt_results=({"timing": [timing]},))
    (step,) = found(played(make_plan("a"), {"a": (0, 1)}, a=outcome)).steps
    assert (step.compiled, step.executed, step.recording) == (after(0.25), after(0.5), after(0.3))


def test_a_skipped_step_took_nothing_and_is_on_no_path():
    """It ended without having started."""
    plan = make_plan("a -> b")
    events = [
        RunStarted(at=NOON, run_id="r1", plan=plan, database="db"),
        StepStarted(at=NOON, step_id=StepId("a")),
        StepEnded(at=NOON + after(1), outcome=make_outcome("a", Status.ERROR)),
        StepEnded(at=NOON + after(1), outcome=make_outcome("b", Status.SKIPPED)),
    ]
    timings = found(iter(events))
    assert path(timings) == ["a"]
    assert [one.ran for one in timings.steps] == [after(1), after(0)]


def test_of_a_resumed_run_the_last_part_counts():
    """Hours may lie between the parts."""
    plan = make_plan("a -> b")
    first = [RunStarted(at=NOON, run_id="r1", plan=plan, database="db"), StepStarted(at=NOON, step_id=StepId("a"))]
    later = NOON + timedelta(hours=3)
    second = [
        RunStarted(at=later, run_id="r1", plan=plan, database="db", resumed=True, settled=(make_outcome("a"),)),
        StepStarted(at=later, step_id=StepId("b")),
        StepEnded(at=later + after(2), outcome=make_outcome("b")),
    ]
    timings = found(iter([*first, *second]))
    assert (timings.took, path(timings)) == (after(2), ["b"])


def test_a_run_without_events_has_no_timings():
    """Nothing is made up."""
    assert run_timings([]) is None


@given(data=st.data(), plan=plans(), limits=limits)
def test_the_critical_path_accounts_for_the_whole_run(data, plan: Plan, limits: Limits) -> None:
    """From its first step to its last, each second is one in which a step of it ran or waited."""
    seconds = drawn_seconds(data, plan)
    timings = found(played(plan, really_played(plan, limits, seconds)))
    total = sum((one.waited + one.ran + one.between for one in timings.path), timedelta())
    assert abs(total - timings.took) < after(1e-3)
    assert timings.unlimited <= timings.took + after(1e-3)
