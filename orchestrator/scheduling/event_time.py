"""Returns dbt's options for the event times of a scheduled run."""

from datetime import UTC

from orchestrator.config.schedule_settings import EventTime, ScheduleSettings, ScheduleVerb
from orchestrator.timetable.scheduled_time import ScheduledTime

_FORM = "%Y-%m-%d %H:%M:%S"
"""dbt reads both options in UTC, and ignores an offset."""


def event_time_words(settings: ScheduleSettings, scheduled: ScheduledTime) -> tuple[str, ...]:
    """Return the options with which microbatch models build the batches that the data interval touches.

    There are none if the schedule does not ask for them, names event times of its own, or builds nothing, or if the
    interval is empty, as that of a schedule without `cron` can be.
    """
    asks = settings.event_time is EventTime.DATA_INTERVAL and settings.verb is ScheduleVerb.RUN
    if not asks or settings.options.keys() & {"event_time_start", "event_time_end"}:
        return ()
    interval = scheduled.interval
    if interval.start >= interval.end:
        return ()
    start, end = (at.astimezone(UTC).strftime(_FORM) for at in (interval.start, interval.end))
    return ("--event-time-start", start, "--event-time-end", end)
