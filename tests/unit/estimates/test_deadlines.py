"""A run that will miss its deadline is said to be late before the deadline, and once."""

from datetime import UTC, datetime, time, timedelta

import pytest

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.estimates.deadlines import (
    Deadline,
    LateWatch,
    cannot_be_in_time,
    deadlines_of,
    late_words,
    latest_start,
)
from orchestrator.estimates.run_progress import RunProgress
from orchestrator.execution.events import RunStarted, StepEnded, StepStarted
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.step import StepId
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from orchestrator.timetable.time_of_day import first_after
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.graph_factories import make_graph, make_node, node_id
from tests.unit.estimates.histories import forecast

STEADY = [100.0] * 8
ESTIMATE = Estimate(seconds=600, low=500, high=900, runs=5)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def begun(*events) -> RunProgress:
    state = RunProgress()
    for event in (RunStarted(at=NOON, plan=make_plan("a"), database=""), *events):
        state.hear(event)
    return state


@pytest.mark.parametrize(
    ("moment", "clock", "zone", "expected"),
    [
        ("2026-11-29T01:00", time(6), "Europe/Berlin", "2026-11-29T05:00"),
        ("2026-11-29T05:00", time(6), "Europe/Berlin", "2026-11-30T05:00"),
        ("2026-11-29T23:30", time(1), "Europe/Berlin", "2026-11-30T00:00"),
        ("2026-10-25T00:00", time(6), "Europe/Berlin", "2026-10-25T05:00"),  # the clocks are set back at 03:00
        ("2027-03-28T00:30", time(6), "Europe/Berlin", "2027-03-28T04:00"),  # they are set forward at 02:00
        ("2026-11-29T12:00", time(6), "UTC", "2026-11-30T06:00"),
    ],
)
def test_a_deadline_is_the_first_such_time_after_the_logical_time(moment, clock, zone, expected) -> None:
    """By the clocks of its zone, also on the days on which they are changed."""
    found = first_after(datetime.fromisoformat(moment).replace(tzinfo=UTC), clock, zone)
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert (found.hour, found.minute) == (clock.hour, clock.minute)


def test_a_run_has_the_deadlines_of_its_schedule_and_of_what_it_feeds() -> None:
    """An exposure waits only for what it needs; its zone is that of the schedule unless it says another."""
    report = make_node("exposure.report", "model.mart", meta={"elt": {"deadline": "06:30"}})
    board = make_node("exposure.board", "model.other", meta={"elt": {"deadline": "07:00", "timezone": "Asia/Tokyo"}})
    nodes = [make_node("model.stg"), make_node("model.mart", "model.stg"), make_node("model.other"), report, board]
    graph = make_graph(*nodes)
    plan = make_plan("stg -> mart")
    schedule = ScheduleSettings(name="nightly", cron=("0 2 * * *",), timezone="Europe/Berlin", deadline=time(6))
    at = datetime(2026, 11, 29, 1, tzinfo=UTC)
    scheduled = ScheduledTime(schedule="nightly", logical_time=at, interval=DataInterval(start=at, end=at))
    found = deadlines_of(plan, graph, {"nightly": schedule}, scheduled, at)
    assert [(one.name, f"{one.at:%H:%M %Z}", one.steps) for one in found] == [
        ("schedule nightly", "06:00 CET", None),
        ("exposure report", "06:30 CET", frozenset({StepId("stg"), StepId("mart")})),
    ]
    assert deadlines_of(make_plan("stg"), graph, {}, None, at)[0].at.tzname() == "UTC"
    assert node_id("model.other") in graph.needs.ancestors([node_id("exposure.board")])


def test_a_run_that_will_be_late_is_said_to_be_late_once_and_before() -> None:
    """Two evaluations in a row must agree."""
    found = forecast("a -> b -> c", {"a": STEADY, "b": STEADY, "c": STEADY})
    watch = LateWatch([Deadline(name="schedule nightly", at=after(150))])
    assert watch.decide(found, begun(), after(1)) == ()
    (late,) = watch.decide(found, begun(), after(3))
    assert late.expected_end > after(250)
    assert late_words(late) == (
        f"late: schedule nightly: expected {late.expected_end:%H:%M} UTC, deadline 12:02 UTC;"
        " slowest remaining: model a, model b, model c"
    )
    assert watch.decide(found, begun(), after(5)) == ()
    assert watch.is_done


def test_a_run_that_will_be_in_time_is_not_said_to_be_late() -> None:
    """Nor is one of which that is not certain yet."""
    found = forecast("a -> b", {"a": STEADY, "b": STEADY})
    for deadline in (210, 400):
        watch = LateWatch([Deadline(name="schedule nightly", at=after(deadline))])
        assert [watch.decide(found, begun(), after(second)) for second in (1, 3, 5)] == [(), (), ()]


def test_a_run_that_passes_its_deadline_is_late_whatever_was_expected() -> None:
    """Its expected end is not before the deadline."""
    found = forecast("a", {"a": [1.0] * 8})
    watch = LateWatch([Deadline(name="schedule nightly", at=after(60))])
    (late,) = watch.decide(found, begun(StepStarted(at=NOON, step_id=StepId("a"))), after(61))
    assert late.expected_end >= after(60)
    assert "deadline 12:01 UTC, which has passed; slowest remaining: model a" in late_words(late)


def test_without_a_record_a_run_is_late_when_its_deadline_has_passed() -> None:
    """Not before, because nothing is known."""
    watch = LateWatch([Deadline(name="schedule nightly", at=after(60))])
    assert watch.decide(None, begun(), after(59)) == ()
    (late,) = watch.decide(None, begun(), after(60))
    assert late_words(late) == "late: schedule nightly: deadline 12:01 UTC, which has passed"


def test_an_exposure_is_done_when_what_it_needs_has_ended() -> None:
    """Whatever else the run does after it."""
    found = forecast("a, b", {"a": STEADY, "b": [10_000.0] * 8})
    watch = LateWatch([Deadline(name="exposure report", at=after(300), steps=frozenset({StepId("a")}))])
    assert watch.decide(found, begun(), after(1)) == ()
    done = begun(StepEnded(at=after(100), outcome=make_outcome("a", seconds=100)))
    assert watch.decide(found, done, after(301)) == ()
    assert watch.is_done


def test_a_run_that_did_not_start_cannot_be_in_time() -> None:
    """When even a short run would end after the deadline; without an estimate, when the deadline has passed."""
    deadline = after(600)
    assert not cannot_be_in_time(ESTIMATE, deadline, after(99))
    assert cannot_be_in_time(ESTIMATE, deadline, after(101))
    assert not cannot_be_in_time(None, deadline, after(599))
    assert cannot_be_in_time(None, deadline, after(600))
    assert latest_start(ESTIMATE, after(900)) == NOON
