"""dbt's options for the event times of a scheduled run."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.schedule_settings import EventTime, ScheduleSettings, ScheduleVerb
from orchestrator.scheduling.event_time import event_time_words
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime

AT = datetime(2026, 11, 28, 1, tzinfo=UTC)
TIME = ScheduledTime(schedule="nightly", logical_time=AT, interval=DataInterval(start=AT - timedelta(days=1), end=AT))


def settings(**known) -> ScheduleSettings:
    return ScheduleSettings(name="nightly", **{"event_time": EventTime.DATA_INTERVAL} | known)


def test_a_schedule_that_asks_for_it_gets_the_interval_in_utc_without_an_offset():
    words = ("--event-time-start", "2026-11-27 01:00:00", "--event-time-end", "2026-11-28 01:00:00")
    assert event_time_words(settings(), TIME) == words


@pytest.mark.parametrize(
    "known",
    [
        {"event_time": EventTime.NONE},
        {"verb": ScheduleVerb.TEST},  # dbt's other commands do not have the options
        {"verb": ScheduleVerb.FRESHNESS},
        {"options": {"event_time_start": "2026-01-01", "event_time_end": "2026-02-01"}},
    ],
)
def test_any_other_schedule_gets_none(known):
    assert event_time_words(settings(**known), TIME) == ()


def test_an_empty_interval_has_no_batches():
    empty = ScheduledTime(schedule="nightly", logical_time=AT, interval=DataInterval(start=AT, end=AT))
    assert event_time_words(settings(), empty) == ()


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(1, 10**6),
    st.integers(-12, 14),
)
def test_dbt_reads_the_same_moments_whatever_the_zone_of_the_values(start, minutes, offset):
    zone = timezone(timedelta(hours=offset))
    begin = start.replace(microsecond=0, tzinfo=UTC)
    end = begin + timedelta(minutes=minutes)
    interval = DataInterval(start=begin.astimezone(zone), end=end.astimezone(zone))
    _, first, _, last = event_time_words(
        settings(), ScheduledTime(schedule="nightly", logical_time=end, interval=interval)
    )
    assert [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (first, last)] == [begin, end]
