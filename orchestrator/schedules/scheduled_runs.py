"""Runs one time of a schedule: claims it, runs, resumes or retries its run, and records how it ended."""

import os
import signal
import threading
import time as clocks
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from orchestrator.api import run_and_report
from orchestrator.config.schedule_settings import OnBusySchedule, ScheduleSettings
from orchestrator.continued_runs import resume_and_report, retry_and_report
from orchestrator.errors import BusyError, EltError, RepairError, RunSkippedError, StoreError
from orchestrator.execution.heartbeat import beating
from orchestrator.execution.liveness import this_process
from orchestrator.execution.verdict import ExitCode, exit_code, exit_code_of_error
from orchestrator.full_disk import is_full_disk
from orchestrator.plan.command import Command
from orchestrator.plan.status import Status
from orchestrator.report.schedule_text import tell_of_time
from orchestrator.schedules.project_schedules import ProjectSchedules, is_alive_now, opened_schedules, utc_now
from orchestrator.scheduling.claims import (
    RecordedTime,
    SkipCause,
    TimeKey,
    TimeState,
    next_claim,
    out_of_room,
    was_cancelled,
    was_interrupted,
)
from orchestrator.scheduling.due import MOST_LOOKED_AT, again_at, resumes_left, time_at
from orchestrator.scheduling.event_time import event_time_words
from orchestrator.scheduling.scheduled_command import words_of
from orchestrator.scheduling.which_time import time_to_run
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wiring.notification_destinations import open_masker
from orchestrator.wiring.recording import new_run_id
from orchestrator.wiring.reports import OutputKind
from orchestrator.wiring.schedule_notes import is_notifying, note_skipped
from orchestrator.wording import shortened

MakeCommand = Callable[[tuple[str, ...], Path | None], Command]
"""Returns the command of a command line, such as `run --select marts`, in a project folder."""

_LONGEST_NOTE = 300  # characters
_LOOK = 1.0  # seconds between two looks at a time that another process runs


def run_scheduled(
    project_dir: Path | None,
    name: str,
    make_command: MakeCommand,
    output: OutputKind,
    *,
    at: str | None = None,
    by_hand: bool = False,
) -> int:
    """Run one time of a schedule, by default its latest, and return the exit code.

    A time that another process runs is waited for, refused or left, as `on_busy` says; one that has ended returns its
    recorded exit code. One whose process died is resumed. `by_hand` runs a time of its own: now.
    """
    with opened_schedules(project_dir) as schedules:
        schedule = schedules.schedule(name)
        now = utc_now()
        since = schedules.see(now)[name].since
        recorded = schedules.record.times(schedules.project, name, limit=MOST_LOOKED_AT)
        time = (
            time_at(schedule, now.replace(microsecond=0))
            if by_hand
            else time_to_run(schedule, recorded, now, since=since, at=at, upstream=_upstream(schedules, schedule))
        )
        while True:
            found = schedules.record.time(schedules.key(time))
            if found is not None and (code := _code_without_run(schedules, schedule, found)) is not None:
                return code
            claimed = _claim_of(schedules.key(time), time, found)
            if schedules.record.claim(claimed, instead_of=found):
                break
        return _Claimed(schedules, schedule, time, found).run(claimed, make_command, output)


def _upstream(schedules: ProjectSchedules, schedule: ScheduleSettings) -> tuple[RecordedTime, ...]:
    before = schedule.on.schedule
    return () if before is None else schedules.record.times(schedules.project, before, limit=100)


def _code_without_run(schedules: ProjectSchedules, schedule: ScheduleSettings, found: RecordedTime) -> int | None:
    """Return the exit code if the time does not run now; None if it does."""
    match found.state:
        case TimeState.SKIPPED:
            why = found.note if found.cause is SkipCause.USER else f"is skipped: {found.note or found.cause}"
            tell_of_time(schedule, found, why)
            return ExitCode.SUCCESS
        case TimeState.ENDED if found.exit_code and not schedules.is_recorded(found.run_id):
            return None  # its run never began
        case TimeState.ENDED if not was_interrupted(found) and not _is_due_again(schedule, found):
            again = "" if found.exit_code == 0 else f"; to run it again: elt retry {found.run_id}"
            tell_of_time(schedule, found, f"has ended already, with exit code {found.exit_code}{again}")
            return found.exit_code
        case TimeState.RUNNING if is_alive_now(found):
            return _code_of_running(schedules, schedule, found)
        case _:
            return None


def _is_due_again(schedule: ScheduleSettings, found: RecordedTime) -> bool:
    at = again_at(schedule, found)
    return at is not None and at <= utc_now()


def _code_of_running(schedules: ProjectSchedules, schedule: ScheduleSettings, found: RecordedTime) -> int | None:
    process = f"process {found.process.pid} of {found.process.user} on {found.process.host}"
    if schedule.on_busy is OnBusySchedule.SKIP:
        tell_of_time(schedule, found, f"is running already, in {process}")
        return ExitCode.SUCCESS
    if schedule.on_busy is OnBusySchedule.REFUSE:
        at = shown_moment(found.key.logical_time, schedule.timezone)
        raise BusyError(
            f"The run of schedule {schedule.name} for {at} is in progress: {process}.",
            hint=f"Wait for it, or end it: elt cancel {found.run_id}",
        )
    tell_of_time(schedule, found, f"is running already, in {process}: waiting for its end")
    while (
        (now := schedules.record.time(found.key)) is not None and now.state is TimeState.RUNNING and is_alive_now(now)
    ):
        clocks.sleep(_LOOK)
    if now is None or now.state is TimeState.RUNNING:
        return None  # its process died: it is resumed here
    return ExitCode.SUCCESS if now.exit_code is None else now.exit_code


def _claim_of(key: TimeKey, time: ScheduledTime, found: RecordedTime | None) -> RecordedTime:
    """Return what is recorded of a time that this process takes, after what was recorded of it before."""
    now = utc_now()
    starts, note = next_claim(found)
    return RecordedTime(
        key=key,
        interval=time.interval,
        state=TimeState.RUNNING,
        run_id=found.run_id if found is not None and was_interrupted(found) else new_run_id(),
        starts=starts,
        note=note,
        claimed_at=now,
        beaten_at=now,
        process=this_process(),
    )


class _Claimed:
    """A time that this process has claimed."""

    def __init__(
        self,
        schedules: ProjectSchedules,
        schedule: ScheduleSettings,
        time: ScheduledTime,
        before: RecordedTime | None,
    ) -> None:
        self._schedules = schedules
        self._schedule = schedule
        self._time = time
        self._before = before
        self._is_ending = False

    def run(self, claimed: RecordedTime, make_command: MakeCommand, output: OutputKind) -> int:
        """Run it to its end, record the exit code, and return it."""
        with beating(lambda: self._beat(claimed)):
            try:
                words = (*words_of(self._schedule), *event_time_words(self._schedule, self._time))
                command = make_command(words, self._schedules.settings.dbt_project_dir)
                scheduled = replace(self._time, attempt=claimed.starts)
                command = replace(command, scheduled=scheduled, wait_for=self._schedule.wait_for)
                code = self._drive(claimed, command, output)
            except BusyError as busy:
                if self._schedule.on_busy is not OnBusySchedule.SKIP:
                    self._end(claimed, ExitCode.USAGE, busy)
                    raise
                return self._skip(claimed, SkipCause.BUSY, busy.message)
            except RunSkippedError as skipped:
                return self._skip(claimed, SkipCause.CONDITION, skipped.message)
            except BaseException as error:
                with suppress(StoreError):  # the user must see the original error
                    self._end(claimed, exit_code_of_error(error), error)
                raise
        self._end(claimed, code)
        return code

    def _beat(self, claimed: RecordedTime) -> None:
        """Record a heartbeat; end this process, as Ctrl-C does, once a user has cancelled the time."""
        if self._is_ending or self._schedules.record.beat(claimed, at=utc_now()):
            return
        with suppress(StoreError):  # the next heartbeat asks again
            now_recorded = self._schedules.record.time(claimed.key)
            if now_recorded is not None and was_cancelled(now_recorded):
                self._is_ending = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # it interrupts a sleep

    def _drive(self, claimed: RecordedTime, command: Command, output: OutputKind) -> int:
        """Start, resume or retry the run."""
        before = self._before
        if before is None or before.run_id is None or not self._schedules.is_recorded(before.run_id):
            return run_and_report(command, output, run_id=claimed.run_id)
        # The record of a retry says what started it, because it does not do what the options of the schedule say.
        started_by = ("schedule", "run", self._schedule.name, "--time", self._time.logical_time.isoformat())
        command = replace(command, words=started_by)
        if not was_interrupted(before):
            return retry_and_report(before.run_id, command, output, run_id=claimed.run_id)
        if (ended := self._recorded_code(before.run_id)) is not None:
            return ended
        try:
            return resume_and_report(before.run_id, command, output, accept_changes=True)
        except RepairError as error:  # for example, the project no longer has some of its nodes
            tell_of_time(self._schedule, claimed, f"cannot be resumed, so a new run starts: {error.message}")
            return run_and_report(command, output, run_id=self._renamed(claimed))

    def _skip(self, claimed: RecordedTime, cause: SkipCause, why: str) -> int:
        """Record that the time does not run, which is fine."""
        tell_of_time(self._schedule, claimed, f"is skipped: {why}")
        skipped = replace(claimed, state=TimeState.SKIPPED, cause=cause, note=why, run_id=None, ended_at=utc_now())
        self._schedules.record.update(skipped)
        if cause is SkipCause.CONDITION and is_notifying(self._schedules.settings):
            notifications = self._schedules.store.notification_record()
            note_skipped(notifications, self._schedules.settings, self._time, why, utc_now())
        return ExitCode.SUCCESS

    def _renamed(self, claimed: RecordedTime) -> str:
        run_id = new_run_id()
        self._schedules.record.update(replace(claimed, run_id=run_id))
        return run_id

    def _recorded_code(self, run_id: str) -> int | None:
        """Return the exit code of a run that ended, although the end of its time was not recorded."""
        status = self._schedules.store.reader().head(run_id).status
        return None if status is None or status is Status.CANCELLED else int(exit_code(status))

    def _end(self, claimed: RecordedTime, code: int, error: BaseException | None = None) -> None:
        record, now = self._schedules.record, utc_now()
        latest = record.time(claimed.key) or claimed
        if (latest.process, latest.claimed_at) != (claimed.process, claimed.claimed_at):
            taken_over = "was taken over by another process, which records its end"
            tell_of_time(self._schedule, claimed, latest.note if was_cancelled(latest) else taken_over)
            return
        if error is not None and is_full_disk(error):
            record.update(out_of_room(latest, at=now, again_at=now + self._schedule.retry.after))
            return
        note = latest.note if code == ExitCode.SUCCESS else self._words(error)
        ended = replace(latest, state=TimeState.ENDED, exit_code=int(code), ended_at=now, note=note)
        retries = code != ExitCode.SUCCESS and resumes_left(self._schedule, ended)
        record.update(replace(ended, again_at=now + self._schedule.retry.after if retries else None))

    def _words(self, error: BaseException | None) -> str:
        """Return why a run could not start or go on, in one line without secrets; empty if its record says it."""
        if not isinstance(error, EltError):
            return ""
        masked = open_masker(self._schedules.settings, os.environ).text(error.message)
        return shortened(" ".join(masked.split()), _LONGEST_NOTE)
