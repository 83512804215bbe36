"""Computes the times of cron expressions in a time zone, also across daylight saving.

An expression that names hours ("30 2 * * *") means the clock on the wall: a time that does not exist runs at the first
moment after the gap, and a time that exists twice runs once, at its first occurrence. An expression for every hour
("*/15 * * * *") means real time: it runs in each hour that passes, also in both of a repeated one.

cronsim parses the expressions, and walks over wall clocks without a zone; what a zone makes of them is decided here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, or L for the last day",
    "month": "1-12 or jan-dec",
    "day-of-week": "0-7 or sun-sat (0 and 7 are Sunday), or 5L for the last Friday, or 5#2 for the second",
}
_EVERY_HOUR = 24
_LONGEST_SHIFT = timedelta(hours=25)
"""No zone has moved its clocks further: Samoa omitted a day in 2011."""
_WINDOW = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time of a timetable."""

    at: datetime
    """In UTC."""
    local: datetime
    """The same moment in the zone of the timetable."""
    note: str = ""
    """Why it differs from what the expression says: "02:30 does not exist on 28 March 2027; runs at 03:00"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """All times of some cron expressions in one time zone; a time that several of them name occurs once."""

    expressions: tuple[str, ...]
    zone: str = "UTC"

    def after(self, moment: datetime) -> Iterator[Occurrence]:
        """Yield the times after a moment, in order; there may be infinitely many, or none."""
        return self._walk(moment, forward=True)

    def before(self, moment: datetime) -> Iterator[Occurrence]:
        """Yield the times before a moment, latest first."""
        return self._walk(moment, forward=False)

    def between(self, first: datetime, last: datetime) -> Iterator[Occurrence]:
        """Yield the times after `first` and up to `last`, in order."""
        for occurrence in self.after(first):
            if occurrence.at > last:
                return
            yield occurrence

    def latest(self, moment: datetime) -> Occurrence | None:
        """Return the last time at or before a moment."""
        return next(self.before(moment + timedelta(microseconds=1)), None)

    def _walk(self, moment: datetime, *, forward: bool) -> Iterator[Occurrence]:
        zone = zone_of(self.zone)
        walks = (
            _real_times(one, zone, moment, forward=forward)
            if _is_hourly(one)
            else _wall_times(one, zone, moment, forward=forward)
            for one in self.expressions
        )
        last = None
        for occurrence in merge(*walks, key=lambda one: one.at, reverse=not forward):
            if occurrence.at != last:
                yield occurrence
            last = occurrence.at


def parse_cron(text: str) -> str:
    """Return a cron expression of five fields, with aliases translated.

    Raises:
        ValueError: it is not a cron expression, or it names no time at all.
    """
    from cronsim import CronSim, CronSimError

    expression = _ALIASES.get(text.strip().lower(), text.strip())
    if expression.startswith("@"):
        raise ValueError("expected five fields or one of " + ", ".join(_ALIASES))
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected five fields ({', '.join(_FIELDS)}), not {len(fields)}")
    if "?" in expression or re.search(r"\d+W", expression.upper()):
        raise ValueError("'?' and 'W' are not of cron; write '*' for any day")
    try:
        # A common leap year: each day of each month occurs soon after it.
        next(CronSim(expression, datetime(2024, 1, 1)))  # noqa: DTZ001  # wall clocks
    except CronSimError as error:
        raise ValueError(_field_error(str(error), dict(zip(_FIELDS, fields, strict=True)))) from None
    except StopIteration:
        raise ValueError("it names a day that never comes") from None
    return expression


def _field_error(message: str, fields: dict[str, str]) -> str:
    name = message.removeprefix("Bad ")
    if name == "day-of-month" and fields[name].replace(",", "").isdigit():
        return f"the day {fields[name]} does not exist in the months {fields['month']}"
    return f"the {name} is '{fields.get(name, '')}': expected {_FIELDS.get(name, 'another value')}"


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return an IANA time zone.

    Raises:
        ValueError: there is no zone of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; a path; a folder
        raise ValueError("expected an IANA time zone such as Europe/Berlin") from None


@cache
def _is_hourly(expression: str) -> bool:
    """Return whether an expression names every hour of a day."""
    return len(_sim(expression, datetime(2024, 1, 1), forward=True).hours) == _EVERY_HOUR  # noqa: DTZ001


def _sim(expression: str, wall: datetime, *, forward: bool) -> Any:  # noqa: ANN401  # cronsim is imported when needed
    from cronsim import CronSim

    return CronSim(expression, wall, reverse=not forward)


def _wall_times(expression: str, zone: ZoneInfo, moment: datetime, *, forward: bool) -> Iterator[Occurrence]:
    """Yield one occurrence for each time on the wall, at or after the moment that it means."""
    begin = moment.astimezone(zone).replace(tzinfo=None)
    # Wall clocks in a gap mean later moments, so the walk begins before the gap that the moment may follow.
    begin += -_LONGEST_SHIFT if forward else _LONGEST_SHIFT
    last = None
    for wall in _sim(expression, begin, forward=forward):
        occurrence = _occurrence(wall, zone)
        is_past = occurrence.at <= moment if forward else occurrence.at >= moment
        if not is_past and occurrence.at != last:  # two times of one gap are one occurrence
            yield occurrence
            last = occurrence.at


def _occurrence(wall: datetime, zone: ZoneInfo) -> Occurrence:
    """Return what a time on the wall means in a zone."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:  # in a gap: read with the offset before it, the wall clock is behind the gap already
        at = _transition(zone, second, first)
        local = at.astimezone(zone)
        note = f"{wall:%H:%M} does not exist on {_day(wall)}; runs at {local:%H:%M}"
        return Occurrence(at=at, local=local, note=note)
    local = first.astimezone(zone)
    note = "" if first == second else f"{wall:%H:%M} occurs twice on {_day(wall)}; runs at the first"
    return Occurrence(at=first, local=local, note=note)


def _day(wall: datetime) -> str:
    return f"{wall.day} {wall:%B %Y}"


def _transition(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment, to the second, from which a zone has another offset than at `before`."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _real_times(expression: str, zone: ZoneInfo, moment: datetime, *, forward: bool) -> Iterator[Occurrence]:
    """Yield an occurrence whenever the wall clock shows a time of the expression, in windows of real time."""
    edge = moment
    while True:
        far = edge + (_WINDOW if forward else -_WINDOW)
        begin, end = min(edge, far), max(edge, far)
        found = sorted(_in_window(expression, zone, begin, end), reverse=not forward)
        for at in found:
            if at > moment if forward else at < moment:
                yield Occurrence(at=at, local=at.astimezone(zone))
        edge = far
        if not found:
            # Days may pass until the expression names a time again: the next window begins near it.
            wall = next(_sim(expression, edge.astimezone(zone).replace(tzinfo=None), forward=forward), None)
            if wall is None:
                return
            near = wall.replace(tzinfo=zone).astimezone(UTC) + (-_LONGEST_SHIFT if forward else _LONGEST_SHIFT)
            edge = max(edge, near) if forward else min(edge, near)


def _in_window(expression: str, zone: ZoneInfo, begin: datetime, end: datetime) -> set[datetime]:
    """Return the moments after `begin` and up to `end` (or from `begin` on) at which the wall clock shows a time."""
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (begin, end))
    # A zone that moves its clocks within the window shows earlier or later wall clocks in it than at its edges.
    margin = abs((last - first) - (end - begin)) + timedelta(minutes=1)
    found = set()
    for wall in _sim(expression, min(first, last) - margin, forward=True):
        if wall > max(first, last) + margin:
            break
        for fold in (0, 1):
            at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            exists = at.astimezone(zone).replace(tzinfo=None) == wall
            if exists and begin <= at <= end:
                found.add(at)
    return found
