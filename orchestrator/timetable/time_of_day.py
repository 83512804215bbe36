"""Finds the moments at which clocks in a zone show a time of day."""

from datetime import UTC, datetime, time, timedelta

from orchestrator.timetable.cron import zone_of


def first_after(moment: datetime, clock: time, zone: str) -> datetime:
    """Return the first moment after another at which the clocks of a zone show a time of day, in that zone.

    A time that a change of the clocks leaves out is passed when it would have come.
    """
    there = zone_of(zone)
    day = moment.astimezone(there).date()
    while True:
        found = datetime.combine(day, clock, there)
        if found.astimezone(UTC) > moment:
            return found
        day += timedelta(days=1)
