"""Computes the times of cron expressions in a time zone, also across daylight saving."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
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
_FIELDS = 5


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
        return _merged([_walk(expression, self.zone, moment) for expression in self.expressions], reverse=False)

    def before(self, moment: datetime) -> Iterator[Occurrence]:
        """Yield the times before a moment, latest first."""
        return _merged(
            [_walk(expression, self.zone, moment, reverse=True) for expression in self.expressions], reverse=True
        )

    def between(self, first: datetime, last: datetime) -> Iterator[Occurrence]:
        """Yield the times after `first` and up to `last`, in order."""
        for occurrence in self.after(first):
            if occurrence.at > last:
                return
            yield occurrence

    def latest(self, moment: datetime) -> Occurrence | None:
        """Return the last time at or before a moment."""
        return next(islice(self.before(moment + timedelta(microseconds=1)), 1), None)


def parse_cron(text: str) -> str:
    """Return a cron expression of five fields, with aliases translated.

    Raises:
        ValueError: it is not a cron expression, or it names no time at all.
    """
    from cronsim import CronSim, CronSimError

    expression = _ALIASES.get(text.strip().lower(), text.strip())
    if expression.startswith("@"):
        raise ValueError("expected five fields or one of " + ", ".join(_ALIASES))
    if len(expression.split()) != _FIELDS:
        raise ValueError("expected five fields: minute, hour, day of month, month, day of week")
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {error}") from None
    except StopIteration:
        raise ValueError("a cron expression that never occurs") from None
    return expression


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


def _walk(expression: str, zone: str, moment: datetime, *, reverse: bool = False) -> Iterator[Occurrence]:
    from cronsim import CronSim

    for local in CronSim(expression, moment.astimezone(zone_of(zone)), reverse=reverse):
        yield Occurrence(at=local.astimezone(UTC), local=local)


def _merged(walks: list[Iterator[Occurrence]], *, reverse: bool) -> Iterator[Occurrence]:
    from heapq import merge

    last = None
    for occurrence in merge(*walks, key=lambda one: one.at, reverse=reverse):
        if occurrence.at != last:
            yield occurrence
        last = occurrence.at
