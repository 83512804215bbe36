"""Defines the vars that a scheduled run gives to dbt."""

from collections.abc import Mapping

from orchestrator.timetable.scheduled_time import ScheduledTime, moment_text

LOGICAL_DATE = "logical_date"
"""A var with this name may be the project's own."""


def vars_of(scheduled: ScheduledTime | None) -> Mapping[str, str]:
    """Return the vars of a scheduled run; any other run has none, so that `var()` returns its default."""
    if scheduled is None:
        return {}
    start, end = scheduled.interval.texts
    logical_date = moment_text(scheduled.logical_time)
    return {"elt_data_interval_start": start, "elt_data_interval_end": end, LOGICAL_DATE: logical_date}
