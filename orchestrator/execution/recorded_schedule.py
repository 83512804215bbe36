"""Converts the time of a schedule to what the options of a recorded run say of it, and back."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime, moment_text

_KEY = "schedule"
"""The key of `Opening.selected`."""


def schedule_asked(scheduled: ScheduledTime | None) -> Mapping[str, object]:
    """Return what `Opening.selected` records of the time of a schedule; `scheduled_of` reads it."""
    if scheduled is None:
        return {}
    start, end = scheduled.interval.texts
    return {
        _KEY: {
            "name": scheduled.schedule,
            "logical_time": moment_text(scheduled.logical_time),
            "interval_start": start,
            "interval_end": end,
            "attempt": scheduled.attempt,
        }
    }


def scheduled_of(asked: Mapping[str, object]) -> ScheduledTime | None:
    """Return the time of a schedule that a run belongs to, from its recorded options."""
    found = asked.get(_KEY)
    if not isinstance(found, Mapping):
        return None

    def moment(key: str) -> datetime:
        return datetime.fromisoformat(str(found[key]))

    return ScheduledTime(
        schedule=str(found["name"]),
        logical_time=moment("logical_time"),
        interval=DataInterval(start=moment("interval_start"), end=moment("interval_end")),
        attempt=int(found.get("attempt", 1)),  # an older elt did not record it
    )
