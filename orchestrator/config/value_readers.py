"""Parses cron expressions, time zones and times of day from elt.yml."""

import re
from datetime import time

from orchestrator.config.readers import text
from orchestrator.timetable.cron import parse_cron, zone_of

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def cron(value: object) -> str:
    """Return a cron expression of five fields; aliases such as `@daily` are translated."""
    return parse_cron(text(value))


def zone(value: object) -> str:
    """Return the name of an IANA time zone."""
    zone_of(text(value))
    return str(value)


def clock_time(value: object) -> time:
    """Return a time of day, such as `06:00`."""
    match = _CLOCK.fullmatch(str(value).strip())
    if match is None:
        raise ValueError('expected a time of day such as "06:00", in quotes')
    return time(int(match[1]), int(match[2]))
