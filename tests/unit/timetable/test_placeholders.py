"""Placeholders stand for the times of a scheduled run, as the zone of the schedule shows them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.timetable.placeholders import Moments, checked, filled, has_placeholder
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime

TIME = ScheduledTime(
    schedule="nightly",
    logical_time=datetime(2026, 11, 28, 23, 30, tzinfo=UTC),
    interval=DataInterval(
        start=datetime(2026, 11, 27, 23, 30, tzinfo=UTC), end=datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
    ),
)
BERLIN = Moments(time=TIME, zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders_{interval_start:%Y-%m-%d}.csv", "orders_2026-11-28.csv"),  # 00:30 in Berlin
        ("orders_{interval_end:%Y%m%d}.csv", "orders_20261129.csv"),
        ("{logical_time}", "2026-11-29T00:30:00+01:00"),
        ("{a,b}/*.csv", "{a,b}/*.csv"),
        ("${HOME}/x", "${HOME}/x"),
        ("%Y", "%Y"),
    ],
)
def test_a_placeholder_is_filled_in_the_zone_of_the_schedule(text, expected):
    """The date of a file is the one that people there read on their calendar."""
    assert filled(checked(text), BERLIN) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{interval_strt:%Y}", r"unknown placeholder \{interval_strt\}; did you mean \{interval_start\}\?"),
        ("{day}", r"unknown placeholder \{day\}; known are \{interval_start\}"),
        ("{logical_time:%Q}", "has the unknown part '%Q'"),
        ("{logical_time:%Y-%}", "has the unknown part '%'"),
        ("{logical_time:%Y", r"the placeholder \{logical_time has no end"),
    ],
)
def test_a_malformed_placeholder(text, problem):
    """It is refused when elt.yml is read, not at night."""
    with pytest.raises(ValueError, match=problem):
        checked(text)


def test_a_run_of_no_schedule_has_no_times():
    """A placeholder cannot be filled in."""
    with pytest.raises(ValueError, match=r"\{logical_time:%Y\} stands for a time of a schedule"):
        filled("{logical_time:%Y}", None)
    assert filled("/in/*.csv", None) == "/in/*.csv"


@given(st.text(alphabet="{}$:%aYmd_interval_start logicaltime", max_size=40))
def test_any_text_is_refused_or_filled(text):
    """What was checked can be filled, and has no placeholder afterwards."""
    try:
        checked(text)
    except ValueError:
        return
    assert not has_placeholder(filled(text, BERLIN))
