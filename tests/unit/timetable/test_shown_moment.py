"""Moments for people: each with its zone."""

from datetime import UTC, datetime

import pytest

from orchestrator.timetable.shown_moment import shown_clock, shown_moment

AT = datetime(2026, 11, 28, 1, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-11-28 01:00 UTC"),
        ("Europe/Berlin", "2026-11-28 02:00 CET"),
        ("Asia/Kolkata", "2026-11-28 06:30 IST"),
        ("America/Sao_Paulo", "2026-11-27 22:00 UTC-03:00"),
        ("Asia/Kathmandu", "2026-11-28 06:45 UTC+05:45"),
    ],
)
def test_a_moment_is_shown_in_a_zone_and_names_it(zone: str, shown: str) -> None:
    """A zone without an abbreviation is named by its offset."""
    assert shown_moment(AT, zone) == shown


def test_a_moment_without_a_zone_is_shown_in_that_of_the_terminal() -> None:
    """Its name is that of the terminal too."""
    assert shown_moment(AT) == f"{AT.astimezone():%Y-%m-%d %H:%M %Z}"


def test_seconds_and_the_day_of_the_week_are_shown_where_they_are_asked_for() -> None:
    """The time of day can also be shown alone."""
    assert shown_moment(AT, "UTC", seconds=True, weekday=True) == "Sat 2026-11-28 01:00:05 UTC"
    assert (shown_clock(AT, "UTC"), shown_clock(AT, "UTC", seconds=True)) == ("01:00 UTC", "01:00:05 UTC")
