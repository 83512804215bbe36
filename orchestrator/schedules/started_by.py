"""Starts schedules by what happens outside of the clock: new files, or a table whose rows have changed."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.adapters.found_files import list_files
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.execution.liveness import this_process
from orchestrator.schedules.project_schedules import ProjectSchedules
from orchestrator.scheduling.claims import RecordedTime, TimeState
from orchestrator.scheduling.triggers import FoundFile, new_versions
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from orchestrator.wording import count, some_of


def note_started(
    schedules: ProjectSchedules,
    schedule: ScheduleSettings,
    now: datetime,
    last: datetime | None,
    seen: Mapping[str, str] | None,
) -> RecordedTime | None:
    """Record a time to start if there are new files, or the rows of a table have changed, and return it.

    `last` is the logical time of the run before, at which the data interval begins, and `seen` are the versions that
    were seen before. Versions and time are recorded together, so that each file starts one run, whenever a process
    dies.

    Raises:
        EltError: the files cannot be listed.
    """
    fresh, starts = new_versions(_found(schedules, schedule), seen, now)
    if not starts:
        if seen is None:
            schedules.record.note_versions(schedules.project, schedule.name, fresh)
        return None
    at = now.replace(microsecond=0)
    time = ScheduledTime(
        schedule=schedule.name, logical_time=at, interval=DataInterval(start=min(last or at, at), end=at)
    )
    words = f"{count(len(fresh), 'new file')}: {some_of(sorted(fresh), 3)}"
    pending = RecordedTime(
        key=schedules.key(time),
        interval=time.interval,
        state=TimeState.PENDING,
        note=words if schedule.on.files is not None else f"{schedule.on.table} has changed",
        claimed_at=now,
        beaten_at=now,
        process=this_process(),
    )
    return pending if schedules.record.claim(pending, versions=fresh) else None


def _found(schedules: ProjectSchedules, schedule: ScheduleSettings) -> dict[str, FoundFile]:
    found = {}
    if schedule.on.files is not None:
        found = list_files(schedule.on.files, schedules.settings.project_root)
    if schedule.on.table is not None:
        target = schedule.options.get("target")
        version = schedules.record.table_version(schedule.on.table, None if target is None else str(target))
        found |= {} if version is None else {schedule.on.table: FoundFile(version=version)}
    return found
