"""Says whether the last time of a schedule succeeded, for a run that waits for it."""

from datetime import datetime

from orchestrator.conditions.answer import Answer, impossible, not_yet, true
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.claims import RecordedTime, TimeKey, TimeState
from orchestrator.scheduling.schedule_ports import ScheduleRecord
from orchestrator.timetable.cron import Timetable
from orchestrator.timetable.shown_moment import shown_moment


def last_time_succeeded(schedule: ScheduleSettings, until: datetime, project: str, record: ScheduleRecord) -> Answer:
    """Return whether a schedule's last time at or before a moment succeeded.

    A schedule that is started by an event has no times that are known before: its last recorded one counts.
    """
    if not schedule.cron:
        found = next((one for one in record.times(project, schedule.name) if one.key.logical_time <= until), None)
        return not_yet("it has not run yet") if found is None else _judged(found, schedule.timezone)
    latest = Timetable(expressions=schedule.cron, zone=schedule.timezone).latest(until)
    if latest is None:
        return impossible("it has no time before this one", "Remove the condition, or correct the cron expression.")
    key = TimeKey(project=project, schedule=schedule.name, logical_time=latest.at)
    found = record.time(key)
    if found is None:
        return not_yet(f"its time of {shown_moment(latest.at, schedule.timezone)} has not run yet")
    return _judged(found, schedule.timezone)


def _judged(time: RecordedTime, zone: str) -> Answer:
    of = f"its time of {shown_moment(time.key.logical_time, zone)}"
    match time.state:
        case TimeState.PENDING:
            return not_yet(f"{of} has not run yet")
        case TimeState.RUNNING:
            return not_yet(f"{of} is running")
        case TimeState.SKIPPED:
            why = "" if time.cause is None else f" ({time.cause.value})"
            return not_yet(f"{of} was skipped{why}")
        case TimeState.ENDED if time.exit_code == 0:
            return true(f"{of} succeeded")
        case TimeState.ENDED:
            again = " and is started again" if time.again_at is not None else ""
            return not_yet(f"{of} ended with exit code {time.exit_code}{again}")
