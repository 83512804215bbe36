"""The record keeps the time of a schedule that a run belongs to."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.recorded_schedule import schedule_asked, scheduled_of
from orchestrator.plan.scheduled_vars import vars_of
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime

MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(timezone(timedelta(hours=1))))  # noqa: DTZ001


@given(st.text(min_size=1), MOMENTS, MOMENTS, MOMENTS)
def test_what_is_recorded_is_read_back_as_the_same_time(name, logical, start, end):
    time = ScheduledTime(schedule=name, logical_time=logical, interval=DataInterval(start=start, end=end))
    assert scheduled_of(json.loads(json.dumps(schedule_asked(time)))) == time


def test_the_attempt_is_kept_and_makes_no_other_time():
    """A record of an older elt does not have it."""
    interval = DataInterval(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
    first = ScheduledTime(schedule="nightly", logical_time=interval.end, interval=interval)
    asked = json.loads(json.dumps(schedule_asked(replace(first, attempt=3))))
    assert (scheduled_of(asked).attempt, scheduled_of(asked) == first) == (3, True)
    del asked["schedule"]["attempt"]
    assert scheduled_of(asked).attempt == 1


def test_a_run_without_a_schedule_records_none():
    assert schedule_asked(None) == {}
    assert scheduled_of({"select": []}) is None
    assert vars_of(None) == {}


def test_dbt_gets_the_interval_as_text_in_utc():
    berlin = timezone(timedelta(hours=1))
    end = datetime(2026, 11, 28, 2, tzinfo=berlin)
    interval = DataInterval(start=end - timedelta(days=1), end=end)
    assert vars_of(ScheduledTime(schedule="n", logical_time=end.astimezone(UTC), interval=interval)) == {
        "elt_data_interval_start": "2026-11-27T01:00:00+00:00",
        "elt_data_interval_end": "2026-11-28T01:00:00+00:00",
        "logical_date": "2026-11-28T01:00:00+00:00",
    }
