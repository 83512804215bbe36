"""Starts the runs of schedules when they are due, until nothing is left to do or for ever."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.maintenance_settings import reason_at
from orchestrator.config.settings import Settings
from orchestrator.errors import EltError
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.look_record import record_look, resume_later
from orchestrator.schedules.other_runs import OtherRuns
from orchestrator.schedules.project_schedules import ProjectSchedules, is_alive_now, opened_schedules, utc_now
from orchestrator.schedules.schedule_child import ScheduleChild, start_child
from orchestrator.schedules.started_by import note_started
from orchestrator.scheduling.claims import RecordedTime, TimeState, was_put_off
from orchestrator.scheduling.due import DueTimes, RecordedTimes, Start, due_times, waits_for_retry
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wiring.attending import attend
from orchestrator.wording import count, some_of

_LOOK = timedelta(seconds=15)
"""The longest time between two looks: `elt.yml`, the record and the clock may change meanwhile."""
_PATIENCE = timedelta(seconds=30)
"""The time in which a child that is asked to end usually ends."""
_POLL = 0.2  # seconds between two looks at the running children


@dataclass(slots=True)
class _Child:
    """A process that runs one time of a schedule."""

    start: Start
    shown_time: str
    """Its logical time, in the zone of the schedule."""
    child: ScheduleChild
    before: RecordedTime | None
    """What was recorded of the time when it was started."""

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process itself."""
        return self.child.process


@dataclass(slots=True)
class ScheduleLoop:
    """Looks at the record and the clock, and starts a child process for each time that is due."""

    project_dir: Path | None
    names: tuple[str, ...] = ()
    """The schedules to start; empty for all."""
    arguments: tuple[str, ...] = ()
    """Further words for the command line of each child."""
    is_naming: bool | None = None
    """Whether the lines of a child begin with the name of its schedule; None if there is more than one schedule."""
    children: list[_Child] = field(default_factory=list)
    codes: dict[ScheduledTime, int] = field(default_factory=dict)
    """The exit code of each time whose run ended."""
    is_in_trouble: bool = False
    """Whether it was not known of a schedule what starts it."""
    looked_at: datetime | None = None
    next_at: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    settings: Settings | None = None
    """As of the last look."""
    _told: set[str] = field(default_factory=set)
    """What was wrong in the last look."""
    _telling: set[str] = field(default_factory=set)
    """What is wrong in this look."""
    _other_runs: OtherRuns = field(default_factory=OtherRuns)
    _ended: dict[ScheduledTime, _Child] = field(default_factory=dict)
    """The last process of each time whose process ended."""

    def until_idle(self) -> int:
        """Start what is due, go on until nothing runs and nothing is due, and return the highest exit code."""
        while not self.stop.is_set():
            # What runs is not left alone because elt.yml is being edited.
            if not self._look_and_tell(raises=not self.children, starts_again=False):
                self.is_in_trouble = True
            if not self.children and not self._waits_for_retry():
                break
            self._wait(until_a_child_ends=True)
        self._end_children()
        return self._code()

    def for_ever(self) -> int:
        """Start what is due until the process is asked to end; then end what runs, and return 0."""
        while not self.stop.is_set():
            self._look_and_tell(raises=False, starts_again=True)
            self._wait(until_a_child_ends=False)
        self._end_children()
        return ExitCode.SUCCESS

    def _look_and_tell(self, *, raises: bool, starts_again: bool) -> bool:
        """Look once, and return whether that was possible; an error is reported, or raised."""
        self._told, self._telling = self._telling, set()
        try:
            self._look(starts_again=starts_again)
        except EltError as error:  # elt.yml is being edited, or the store is away: the next look may succeed
            if raises:
                raise
            self._tell_once(f"cannot look at the schedules: {error}")
            return False
        return True

    def _code(self) -> int:
        """Return the highest exit code of the times that ended, each with its last one."""
        trouble = int(ExitCode.USAGE if self.is_in_trouble else ExitCode.SUCCESS)
        return max([trouble, *self.codes.values()])

    def _waits_for_retry(self) -> bool:
        """Return whether a run of this process is retried soon: nothing may wake a container again until tomorrow."""
        if not self.names or not self.codes or self.settings is None:
            return False
        with opened_schedules(self.project_dir, self.settings) as schedules:
            recorded = schedules.recorded(schedules.see(utc_now()), self.names).values()
        return any(one.schedule.paused_at is None and waits_for_retry(one.times) for one in recorded)

    def _look(self, *, starts_again: bool) -> None:
        """Look once: record what is skipped, and start what is due.

        A time that its last process could not end, as on a full disk, is started again only if `starts_again`.
        """
        now = utc_now()
        self.settings = load_settings(self.project_dir)
        with opened_schedules(self.project_dir, self.settings) as schedules:
            names = [schedules.schedule(name).name for name in self.names or self.settings.schedules]
            seen = schedules.see(now)
            _tell_of_new([name for name in self.settings.schedules if seen[name].since == now], now)
            recorded = schedules.recorded(seen, names)
            versions = schedules.record.versions(schedules.project) if _is_watching(self.settings) else {}
            looks = list[datetime]()
            for name in names:
                known = self._with_new(schedules, recorded[name], now, versions.get(name))
                due = self._due(schedules, known, now)
                if starts_again:  # a look by cron comes every minute, and would report the same each time
                    own = {schedules.key(child.start.time) for child in self.children}
                    self._other_runs.tell(schedules.schedule(name), known.times, own, now)
                record_look(schedules, due, now)
                for start in due.starts:
                    before = next((one for one in known.times if one.key == schedules.key(start.time)), None)
                    if starts_again or not self._cannot_go_on(start.time, before):
                        self._start(start, before, schedules.settings, now)
                looks += [] if due.next_at is None else [due.next_at]
            attend(self.settings, schedules.store, now)  # lost runs, digests, and what could not be sent before
        self.looked_at, self.next_at = now, min(looks, default=None)

    def _with_new(
        self, schedules: ProjectSchedules, recorded: RecordedTimes, now: datetime, seen: Mapping[str, str] | None
    ) -> RecordedTimes:
        """Return what is recorded of a schedule, with the time that new files or a changed table start."""
        schedule = schedules.schedule(recorded.schedule.schedule)
        is_open = reason_at(schedules.settings.maintenance, schedule.name, now) is None
        if not schedule.on.is_watching or not is_open or recorded.schedule.paused_at is not None:
            return recorded
        last = next((time.key.logical_time for time in recorded.times), None)
        try:
            new = note_started(schedules, schedule, now, last, seen)
        except EltError as error:  # the other schedules can be started
            self.is_in_trouble = True
            self._tell_once(f"{schedule.name}: {error}")
            return recorded
        if new is None:
            return recorded
        return replace(recorded, times=sorted((new, *recorded.times), key=_logical_time, reverse=True))

    def _due(self, schedules: ProjectSchedules, recorded: RecordedTimes, now: datetime) -> DueTimes:
        name = recorded.schedule.schedule
        due = due_times(
            schedules.schedule(name),
            recorded,
            now,
            is_alive=is_alive_now,
            in_maintenance=partial(reason_at, schedules.settings.maintenance, name),
        )
        # A child that was started a moment ago may not have claimed its time yet.
        if any(child.start.time.schedule == name for child in self.children):
            return DueTimes(skips=due.skips, lost=due.lost, next_at=due.next_at)
        return due

    def _cannot_go_on(self, time: ScheduledTime, now_recorded: RecordedTime | None) -> bool:
        """Return whether a child of this process ran a time but left it open, as on a full disk.

        A child that was ended by a signal is not meant: its run is resumed at once.
        """
        child = self._ended.get(time)
        if child is None or child.process.returncode < 0:
            return False
        if now_recorded is None or now_recorded == child.before:
            return True
        is_open = now_recorded.state is TimeState.RUNNING or was_put_off(now_recorded)
        return is_open and now_recorded.process.pid == child.process.pid

    def _start(self, start: Start, before: RecordedTime | None, settings: Settings, now: datetime) -> None:
        time = start.time
        words = ["schedule", "run", time.schedule, "--time", time.logical_time.isoformat(), *self.arguments]
        folder = [] if self.project_dir is None else ["--project-dir", str(self.project_dir)]
        shown = shown_moment(time.logical_time, settings.schedules[time.schedule].timezone)
        because = f" ({start.kind}: {start.note})" if start.note else ""
        tell_of_schedules(f"{time.schedule}: started for {shown}{because}", at=now)
        prefix = self._prefix(settings, time.schedule)
        child = start_child([*words, *folder], prefix=prefix, is_json="--json" in self.arguments)
        self.children.append(_Child(start, shown, child, before))

    def _prefix(self, settings: Settings, name: str) -> str | None:
        """Return what the lines of a child begin with, equally wide for all; None if there is only one schedule."""
        names = self.names or tuple(settings.schedules)
        is_naming = len(names) > 1 if self.is_naming is None else self.is_naming
        return f"{name:<{max(map(len, names))}} | " if is_naming else None

    def _wait(self, *, until_a_child_ends: bool) -> None:
        """Wait for the next time, for a while, or for the end of a child."""
        end = utc_now() + _LOOK
        if self.next_at is not None:
            end = min(end, self.next_at)
        while not self.stop.is_set() and utc_now() < end:
            if self._collect() and (until_a_child_ends or self.children):
                return
            self.stop.wait(_POLL)
        if not self.stop.is_set():  # else a child may have ended because it was asked to, together with this process
            self._collect()

    def _collect(self) -> bool:
        """Take note of the children that ended, and return whether there are any."""
        ended = [child for child in self.children if child.process.poll() is not None]
        for child in ended:
            self.children.remove(child)
            child.child.drain()
            time = child.start.time
            self._ended[time] = child
            self.codes[time] = code if (code := child.process.returncode) >= 0 else 128 - code
            text = f"{time.schedule}: the run for {child.shown_time} ended with exit code {self.codes[time]}"
            tell_of_schedules(text, at=utc_now())
        return bool(ended)

    def _end_children(self) -> None:
        """Ask what runs to end, and wait for it; a run that is cut off so is resumed by the next process."""
        cut_off = {child.start.time: child.process.pid for child in self.children}
        again_at = utc_now()
        while self.children:
            if utc_now() >= again_at:  # the first signal may have come too early, and the second insists
                again_at = utc_now() + _PATIENCE
                for child in self.children:
                    with contextlib.suppress(ProcessLookupError):
                        child.process.send_signal(signal.SIGTERM)
            if not self._collect():
                threading.Event().wait(_POLL)
        if cut_off and self.settings is not None:
            with opened_schedules(self.project_dir, self.settings) as schedules:
                resume_later(schedules, cut_off)

    def _tell_once(self, text: str) -> None:
        if text not in self._told | self._telling:
            tell_of_schedules(text, at=utc_now())
        self._telling.add(text)


def _tell_of_new(names: list[str], now: datetime) -> None:
    """Report which schedules begin now. All of them do if the record was lost."""
    if names:
        begin = "begins" if len(names) == 1 else "begin"
        text = f"{count(len(names), 'schedule')} {begin} now: {some_of(names, 3)}. Earlier times do not run."
        tell_of_schedules(text, at=now)


def _is_watching(settings: Settings) -> bool:
    return any(one.on.is_watching for one in settings.schedules.values())


def _logical_time(time: RecordedTime) -> datetime:
    return time.key.logical_time
