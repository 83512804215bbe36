"""Converts the times of a schedule to cron entries in UTC, for schedulers that know no time zones.

A zone with daylight saving has several offsets, and gets entries for each of them: half of them come an hour early or
late, and find nothing to do. The record decides what is due, so an entry too many costs nothing, and one too few a run.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

from orchestrator.timetable.cron import zone_of

if TYPE_CHECKING:
    from cronsim import CronSim

_DAY = 24 * 60
_DELAYS = (3, 7, 11, 13)
"""Minutes after the time. Hosted schedulers are overloaded at the full and the half hour."""
_EVERY_HOUR = list(range(24))
_LAST_DAYS = range(26, 32)
"""On which the last day of a month can be, and its last weekday."""


def delay_of(name: str) -> int:
    """Return how many minutes after its time a schedule is woken: always the same for one name."""
    return _DELAYS[hashlib.sha256(name.encode()).digest()[0] % len(_DELAYS)]


def utc_entries(expressions: tuple[str, ...], zone: str, name: str, *, year: int) -> tuple[str, ...]:
    """Return cron entries in UTC that come shortly after each time of these expressions in a zone, in any season."""
    entries: dict[str, None] = {}
    for expression, offset in product(expressions, _offsets(zone, year)):
        entries.update(dict.fromkeys(_entries(expression, offset, delay_of(name))))
    return tuple(entries)


def _offsets(zone: str, year: int) -> list[int]:
    """Return the offsets of a zone from UTC in minutes, in this year and the next."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = (first + timedelta(days=day) for day in range(2 * 366))
    offsets = {day.astimezone(zone_of(zone)).utcoffset() for day in days}
    return sorted(int(offset.total_seconds() // 60) for offset in offsets if offset is not None)


def _entries(expression: str, offset: int, delay: int) -> list[str]:
    from cronsim import CronSim

    sim = CronSim(expression, datetime(2024, 1, 1))  # noqa: DTZ001  # only its fields are read
    days = _days(expression, sim)
    hours_of: dict[tuple[int, int], set[int]] = {}
    for hour, minute in product(sim.hours, sim.minutes):
        moved = hour * 60 + minute - offset + delay
        shift, minutes = divmod(moved, _DAY)
        hours_of.setdefault((shift, minutes % 60), set()).add(minutes // 60)
    minutes_of: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for (shift, minute), hours in sorted(hours_of.items()):
        minutes_of.setdefault((shift, tuple(sorted(hours))), []).append(minute)
    return [
        # On another day than the schedule's own the fields of the day do not apply: every day then.
        " ".join([_listed(minutes), _hours(hours), *(["*", "*", "*"] if shift else days)])
        for (shift, hours), minutes in minutes_of.items()
    ]


def _days(expression: str, sim: "CronSim") -> list[str]:
    """Return the fields of the day, in what every cron understands: no L, no 5#2, no names, and 0 for Sunday."""
    *_, day, month, weekday = expression.split()
    of_month = {number for one in sim.days for number in (_LAST_DAYS if one < 0 else [one])}
    weekdays = {(one[0] if isinstance(one, tuple) else one) % 7 for one in sim.weekdays}
    fields = ((day, of_month), (month, sim.months), (weekday, weekdays))
    return ["*" if text == "*" else _listed(sorted(numbers)) for text, numbers in fields]


def _hours(hours: tuple[int, ...]) -> str:
    return "*" if list(hours) == _EVERY_HOUR else _listed(list(hours))


def _listed(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))
