"""Fills in the times of a scheduled run: `orders_{interval_start:%Y-%m-%d}.csv`."""

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from orchestrator.timetable.cron import zone_of
from orchestrator.timetable.scheduled_time import ScheduledTime

NAMES = ("interval_start", "interval_end", "logical_time")
_PLACEHOLDER = re.compile(r"(?<!\$)\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<format>[^{}]*))?\}")
_DIRECTIVE = re.compile(r"%(-?)(.|$)")
_DIRECTIVES = frozenset("aAwdbBmyYHIMpfzZjUWcxXGuVs%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What placeholders stand for: the times of one time of a schedule, as its own zone shows them."""

    time: ScheduledTime
    zone: str = "UTC"

    def of(self, name: str) -> datetime:
        """Return the moment of a placeholder, in the zone of the schedule."""
        interval = self.time.interval
        found = {"interval_start": interval.start, "interval_end": interval.end, "logical_time": self.time.logical_time}
        return found[name].astimezone(zone_of(self.zone))


def has_placeholder(text: str) -> bool:
    """Return whether a text has a placeholder that needs the time of a schedule."""
    return _PLACEHOLDER.search(text) is not None


def checked(text: str) -> str:
    """Return a text whose placeholders are all known and well-formed.

    Raises:
        ValueError: A placeholder is unknown, or its format has a part that no date has.
    """
    for match in _PLACEHOLDER.finditer(text):
        name = match["name"]
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1, cutoff=0.6)
            known = f"did you mean {{{near[0]}}}?" if near else "known are " + ", ".join(f"{{{one}}}" for one in NAMES)
            raise ValueError(f"unknown placeholder {{{name}}}; {known}")
        for directive in _DIRECTIVE.finditer(match["format"] or ""):
            if directive[2] not in _DIRECTIVES or not directive[2]:
                raise ValueError(
                    f"the placeholder {match[0]} has the unknown part '{directive[0]}'; write a date as %Y-%m-%d"
                )
    for name in NAMES:
        # Such as `{interval_start` without its end, or with a brace in the format.
        if re.search(rf"(?<!\$)\{{{name}\b", _PLACEHOLDER.sub("", text)):
            raise ValueError(f"the placeholder {{{name} has no end; write {{{name}:%Y-%m-%d}}")
    return text


def filled(text: str, moments: Moments | None) -> str:
    """Return a text with its placeholders filled in; without a format, a moment is written in ISO 8601.

    Raises:
        ValueError: The text has a placeholder, and there is no time of a schedule.
    """

    def fill(match: re.Match[str]) -> str:
        if moments is None:
            raise ValueError(f"{match[0]} stands for a time of a schedule, and this run belongs to none")
        moment = moments.of(match["name"])
        return moment.strftime(match["format"]) if match["format"] else moment.isoformat(timespec="seconds")

    return _PLACEHOLDER.sub(fill, text)
