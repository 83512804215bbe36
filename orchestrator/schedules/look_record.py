"""Records what a look at the schedules decides besides starting runs."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from orchestrator.execution.liveness import this_process
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.project_schedules import ProjectSchedules, utc_now
from orchestrator.scheduling.claims import RecordedTime, TimeState, stopped
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
            shown = shown_moment(time.key.logical_time, zone)
            text = f"{note}, and it has no start left; to continue: elt resume {time.run_id}"
            tell_of_schedules(f"{time.key.schedule}: {shown}: {text}", at=now)


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


def resume_later(schedules: ProjectSchedules, cut_off: Mapping[ScheduledTime, int]) -> None:
    """Record that runs which this process interrupted, because it was asked to end, go on in the next process.

    `cut_off` has the process of each. One that ended before it could record that counts as interrupted too.
    """
    here = socket.gethostname()
    for time, pid in cut_off.items():
        found = schedules.record.time(schedules.key(time))
        if found is None or (found.process.host, found.process.pid) != (here, pid):
            continue
        if found.state is TimeState.RUNNING or found.exit_code == ExitCode.INTERRUPTED:
            schedules.record.claim(stopped(found, at=utc_now()), instead_of=found)
