"""The times of cron expressions: the wall clock where hours are named, real time where they are not."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.timetable.cron import Timetable, parse_cron, zone_of

PAGE = Path(__file__).parents[3] / "docs/scheduling.md"
CASES = [
    [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| `[^`]+` \| \w+(/\w+)? \| \d{4}-", line)
]
"""The table of the documentation: expression, zone, day, local times, note."""


def on_day(expression: str, zone: str, day: date) -> list:
    """Give the occurrences on one day of the zone."""
    begin = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    table = Timetable(expressions=(parse_cron(expression),), zone=zone)
    found = table.between(begin - timedelta(hours=3, microseconds=1), begin + timedelta(hours=30))
    return [one for one in found if one.local.date() == day]


def test_the_documentation_has_the_cases() -> None:
    """They are found in its table."""
    assert len(CASES) > 15


@pytest.mark.parametrize(("expression", "zone", "day", "runs_at", "note"), CASES)
def test_the_table_of_the_documentation_is_true(expression: str, zone: str, day: str, runs_at: str, note: str) -> None:
    """Each row says when an expression runs on one day, and what `elt schedule next` explains."""
    found = on_day(expression, zone, date.fromisoformat(day))
    if runs_at.endswith(" times"):
        assert len(found) == int(runs_at.split(maxsplit=1)[0])
    else:
        shown = [one.local.isoformat() for one in found]
        assert ", ".join(one[11:16] + one[19:] for one in shown) == runs_at
    if "runs at" in note and len(found) == 1:
        assert [one.note for one in found] == [note]


@pytest.mark.parametrize(("day", "runs"), [("2027-03-28", 4 * 23), ("2027-10-31", 4 * 25), ("2027-06-01", 4 * 24)])
def test_every_quarter_of_an_hour_that_passes_has_a_run(day: str, runs: int) -> None:
    """An hour that does not exist has none, an hour that exists twice has twice as many."""
    found = on_day("*/15 * * * *", "Europe/Berlin", date.fromisoformat(day))
    assert len(found) == runs
    assert {b.at - a.at for a, b in pairwise(found)} == {timedelta(minutes=15)}


def test_the_day_that_samoa_omitted_has_one_run_at_its_end() -> None:
    """30 December 2011 does not exist there."""
    table = Timetable(expressions=("0 9 * * *",), zone="Pacific/Apia")
    found = islice(table.after(datetime(2011, 12, 29, tzinfo=UTC)), 3)
    assert [one.local.isoformat()[:16] for one in found] == ["2011-12-29T09:00", "2011-12-31T00:00", "2011-12-31T09:00"]


def test_several_expressions_are_one_timetable() -> None:
    """A time that two of them name occurs once."""
    table = Timetable(expressions=("0 2 * * *", "0 */2 * * *"))
    begin = datetime(2026, 11, 28, tzinfo=UTC)
    assert [one.at.hour for one in islice(table.after(begin), 4)] == [2, 4, 6, 8]
    assert [one.at.hour for one in islice(table.before(begin), 3)] == [22, 20, 18]


def test_an_expression_of_a_rare_day_is_found() -> None:
    """Also with all hours, and backwards."""
    table = Timetable(expressions=("0 * 29 2 *",), zone="Europe/Berlin")
    assert next(table.after(datetime(2025, 1, 1, tzinfo=UTC))).local.isoformat() == "2028-02-29T00:00:00+01:00"
    assert next(table.before(datetime(2027, 1, 1, tzinfo=UTC))).local.isoformat() == "2024-02-29T23:00:00+01:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 2 * *", "expected five fields (minute, hour, day-of-month, month, day-of-week), not 4"),
        ("0 0 2 * * *", "expected five fields (minute, hour, day-of-month, month, day-of-week), not 6"),
        ("61 2 * * *", "the minute is '61': expected 0-59"),
        ("0 25 * * *", "the hour is '25': expected 0-23"),
        ("0 0 * * funday", "the day-of-week is 'funday': expected 0-7 or sun-sat"),
        ("0 0 30 2 *", "the day 30 does not exist in the months 2"),
        ("0 0 31 4,6 *", "the day 31 does not exist in the months 4,6"),
        ("@dayly", "expected five fields or one of @hourly"),
        ("@reboot", "expected five fields or one of @hourly"),
        ("0 0 ? * *", "'?' and 'W' are not of cron"),
        ("0 0 15W * *", "'?' and 'W' are not of cron"),
        ("*/0 * * * *", "the minute is '*/0'"),
        ("", "expected five fields"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_the_reason(text: str, said: str) -> None:
    """The field and its values are named."""
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        parse_cron(text)


@pytest.mark.parametrize("name", ["Mars", "", "../etc/passwd", "/etc/localtime", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """A path is no zone either."""
    with pytest.raises(ValueError, match="expected an IANA time zone"):
        zone_of(name)


ZONES = [
    *("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Gaza"),
    *("Africa/Cairo", "America/St_Johns", "Antarctica/Troll"),
]


@cache
def changes(name: str) -> list[datetime]:
    """Give the hours in which a zone moves its clocks."""
    zone, hour = ZoneInfo(name), timedelta(hours=1)
    hours = [datetime(2009, 1, 1, tzinfo=UTC) + hour * number for number in range(24 * 365 * 9)]
    offsets = [one.astimezone(zone).utcoffset() for one in hours]
    return [one for one, (before, after) in zip(hours, pairwise(offsets), strict=False) if before != after]


OFFSETS = st.integers(min_value=-30 * 60, max_value=30 * 60)
MOMENTS = st.sampled_from(ZONES).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(changes(name)), OFFSETS))
MINUTES = st.sampled_from(["0", "30", "15,45", "*/20", "7-9", "59", "*"])
HOURS = st.sampled_from(["*", "2", "0", "1-3", "*/2", "0,12", "23", "*/1"])
DAYS = st.sampled_from([("*", "*"), ("*", "sun"), ("1-15", "*"), ("*", "1-6")])


def walk_over_minutes(expression: str, zone: str, begin: datetime, minutes: int) -> list[datetime]:
    """Give the times by looking at every minute on the wall, in the way that the documentation states."""
    from cronsim import CronSim

    sim = CronSim(expression, datetime(2024, 1, 1))  # noqa: DTZ001
    tz, minute = ZoneInfo(zone), timedelta(minutes=1)

    def matches(wall: datetime) -> bool:
        return (
            wall.minute in sim.minutes and wall.hour in sim.hours and wall.month in sim.months and sim.match_day(wall)
        )

    moments = [begin + minute * number for number in range(minutes)]
    if len(sim.hours) == 24:
        return [one for one in moments if matches(one.astimezone(tz).replace(tzinfo=None))]
    found, shown = [], set()
    last = (begin - minute).astimezone(tz).replace(tzinfo=None)
    before = [begin - minute * number for number in range(1, 26 * 60)]
    shown |= {one.astimezone(tz).replace(tzinfo=None) for one in before}
    for one in moments:
        wall = one.astimezone(tz).replace(tzinfo=None)
        omitted = [last + minute * number for number in range(1, int((wall - last) / minute))]
        if any(matches(skipped) for skipped in omitted) or (matches(wall) and wall not in shown):
            found.append(one)
        shown.add(wall)
        last = wall
    return found


@settings(max_examples=150, deadline=None)
@given(MOMENTS, MINUTES, HOURS, DAYS)
def test_a_walk_over_all_minutes_finds_the_same_times(
    moment: tuple[str, datetime, int], minute: str, hour: str, days: tuple[str, str]
) -> None:
    """Forwards and backwards, around each change of the clocks."""
    zone, change, offset = moment
    begin, length = change + timedelta(minutes=offset), 36 * 60
    end = begin + timedelta(minutes=length)
    expression = parse_cron(f"{minute} {hour} {days[0]} * {days[1]}")
    table = Timetable(expressions=(expression,), zone=zone)
    expected = walk_over_minutes(expression, zone, begin, length)
    found = [one.at for one in table.between(begin - timedelta(microseconds=1), end - timedelta(minutes=1))]
    assert found == expected
    backwards = []
    for one in table.before(end):
        if one.at < begin:
            break
        backwards.append(one.at)
    assert backwards[::-1] == expected
