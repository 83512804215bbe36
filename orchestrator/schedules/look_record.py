"""Records what a look at the schedules decides besides starting runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.execution.liveness import this_process
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.scheduled_runs import ProjectSchedules, utc_now
from orchestrator.scheduling.claims import RecordedTime, TimeState
from orchestrator.scheduling.due import DueTimes, Skip
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment


def record_look(schedules: ProjectSchedules, due: DueTimes, now: datetime) -> None:
    """Record the times that are skipped and those that are lost."""
    schedules.record.skip([_skipped(schedules, skip, now) for skip in due.skips])
    for time in due.lost:
        note = "its process died"
        ended = replace(time, state=TimeState.ENDED, note=note, exit_code=int(ExitCode.INTERRUPTED), ended_at=now)
        if schedules.record.claim(ended, instead_of=time):
            zone = schedules.schedule(time.key.schedule).timezone
            tell_of_schedules(f"{time.key.schedule}: {shown_moment(time.key.logical_time, zone)}: {note}", at=now)


def _skipped(schedules: ProjectSchedules, skip: Skip, now: datetime) -> RecordedTime:
    return RecordedTime(
        key=schedules.key(skip.time),
        interval=skip.time.interval,
        state=TimeState.SKIPPED,
        cause=skip.cause,
        note=skip.note,
        claimed_at=now,
        beaten_at=now,
        ended_at=now,
        process=this_process(),
    )


def resume_later(schedules: ProjectSchedules, cut_off: Sequence[ScheduledTime]) -> None:
    """Record that runs which this process interrupted, because it was asked to end, go on in the next process."""
    for time in cut_off:
        found = schedules.record.time(schedules.key(time))
        if found is not None and found.state is TimeState.ENDED and found.exit_code == ExitCode.INTERRUPTED:
            again = replace(found, again_at=utc_now(), note="interrupted by the end of the process that started it")
            schedules.record.claim(again, instead_of=found)
