"""Starts the runs of schedules when they are due: once until nothing is left to do, or in the foreground for ever."""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.maintenance_settings import reason_at
from orchestrator.config.settings import Settings
from orchestrator.errors import BusyError, EltError
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.due_note import note_idle
from orchestrator.schedules.look_record import record_look, resume_later
from orchestrator.schedules.schedule_child import ScheduleChild, start_child
from orchestrator.schedules.schedule_views import recorded_times
from orchestrator.schedules.scheduled_runs import ProjectSchedules, is_alive_now, opened_schedules, utc_now
from orchestrator.schedules.started_by import note_started
from orchestrator.scheduling.due import DueTimes, Start, due_times, retry_at
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wiring.attending import attend
from orchestrator.wording import count

_LOOK = timedelta(seconds=15)
"""The longest time between two looks: `elt.yml`, the record and the clock may change meanwhile."""
_POLL = 0.2  # seconds between two looks at the running children


@dataclass(slots=True)
class _Child:
    """A process that runs one time of a schedule."""

    start: Start
    shown_time: str
    """Its logical time, in the zone of the schedule."""
    child: ScheduleChild

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
    _told: str = ""

    def until_idle(self) -> int:
        """Start what is due, go on until nothing runs and nothing is due, and return the highest exit code."""
        while not self.stop.is_set():
            try:
                self.look()
            except EltError as error:  # what runs is not left alone because elt.yml is being edited
                if not self.children:
                    raise
                self.is_in_trouble = True
                self._tell_once(f"cannot look at the schedules: {error}")
            if not self.children and not self._waits_for_retry():
                break
            self._wait(until_a_child_ends=True)
        self._end_children()
        return self._code()

    def _code(self) -> int:
        """Return the highest exit code of the times that ended, each with its last one."""
        trouble = int(ExitCode.USAGE if self.is_in_trouble else ExitCode.SUCCESS)
        return max([trouble, *self.codes.values()])

    def _waits_for_retry(self) -> bool:
        """Return whether a run of this process is retried soon: nothing may wake a container again until tomorrow."""
        if not self.names or not self.codes or self.settings is None:
            return False
        with opened_schedules(self.project_dir, self.settings) as schedules:
            recorded = [recorded_times(schedules, name) for name in self.names]
        return any(one.schedule.paused_at is None and retry_at(one.times) is not None for one in recorded)

    def for_ever(self) -> int:
        """Start what is due until the process is asked to end; then end what runs, and return 0."""
        while not self.stop.is_set():
            try:
                self.look()
                self._told = ""
            except EltError as error:  # elt.yml is being edited, or the store is away: the next look may succeed
                self._tell_once(f"cannot look at the schedules: {error}")
            self._wait(until_a_child_ends=False)
        self._end_children()
        return ExitCode.SUCCESS

    def look(self) -> None:
        """Look once: record what is skipped, and start what is due."""
        now = utc_now()
        self.settings = load_settings(self.project_dir)
        with opened_schedules(self.project_dir, self.settings) as schedules:
            schedules.see(now)
            looks = list[datetime]()
            for name in self.names or tuple(schedules.settings.schedules):
                due = self._due(schedules, name, now)
                record_look(schedules, due, now)
                for start in due.starts:
                    self._start(start, schedules.settings, now)
                looks += [] if due.next_at is None else [due.next_at]
            attend(self.settings, schedules.store, now)  # lost runs, digests, and what could not be sent before
        self.looked_at, self.next_at = now, min(looks, default=None)

    def _due(self, schedules: ProjectSchedules, name: str, now: datetime) -> DueTimes:
        started = {child.start.time for child in self.children}
        schedule = schedules.schedule(name)
        recorded = recorded_times(schedules, name)
        is_open = reason_at(schedules.settings.maintenance, name, now) is None
        if recorded.schedule.paused_at is None and is_open:
            last = next((time.key.logical_time for time in recorded.times), None)
            try:
                note_started(schedules, schedule, now, last)
            except EltError as error:  # the other schedules can be started
                self.is_in_trouble = True
                self._tell_once(f"{name}: {error}")
        due = due_times(
            schedule,
            recorded_times(schedules, name) if schedule.on.is_set else recorded,
            now,
            is_alive=is_alive_now,
            in_maintenance=partial(reason_at, schedules.settings.maintenance, name),
        )
        # A child that was started a moment ago may not have claimed its time yet.
        if any(time.schedule == name for time in started):
            return DueTimes(skips=due.skips, lost=due.lost, next_at=due.next_at)
        return due

    def _start(self, start: Start, settings: Settings, now: datetime) -> None:
        time = start.time
        words = ["schedule", "run", time.schedule, "--time", time.logical_time.isoformat(), *self.arguments]
        folder = [] if self.project_dir is None else ["--project-dir", str(self.project_dir)]
        shown = shown_moment(time.logical_time, settings.schedules[time.schedule].timezone)
        because = f" ({start.kind}: {start.note})" if start.note else ""
        tell_of_schedules(f"{time.schedule}: started for {shown}{because}", at=now)
        prefix = self._prefix(settings, time.schedule)
        child = start_child([*words, *folder], prefix=prefix, is_json="--json" in self.arguments)
        self.children.append(_Child(start, shown, child))

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
        self._collect()

    def _collect(self) -> bool:
        """Take note of the children that ended, and return whether there are any."""
        ended = [child for child in self.children if child.process.poll() is not None]
        for child in ended:
            self.children.remove(child)
            child.child.drain()
            time = child.start.time
            self.codes[time] = code if (code := child.process.returncode) >= 0 else 128 - code
            text = f"{time.schedule}: the run for {child.shown_time} ended with exit code {self.codes[time]}"
            tell_of_schedules(text, at=utc_now())
        return bool(ended)

    def _end_children(self) -> None:
        """Ask what runs to end, and wait for it; a run that is cut off so is resumed by the next process."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        cut_off = [child.start.time for child in self.children]
        while self.children:
            if not self._collect():
                threading.Event().wait(_POLL)
        if cut_off and self.settings is not None:
            with opened_schedules(self.project_dir, self.settings) as schedules:
                resume_later(schedules, cut_off)

    def _tell_once(self, text: str) -> None:
        if text != self._told:
            tell_of_schedules(text, at=utc_now())
        self._told = text


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[bool]:
    """Hold the lock of the process that starts schedules of a project on this machine; yield whether it was free.

    A kernel lock on a file that is never removed: it ends with its process, however that ends, and a file that is
    removed while somebody waits for it would be two files.
    """
    path = settings.project_root / ".elt" / "schedule.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield True


def run_due(project_dir: Path | None, names: tuple[str, ...], arguments: tuple[str, ...] = ()) -> int:
    """Start the times that are due, wait for their runs, and return the highest of their exit codes."""
    settings = load_settings(project_dir)
    with only_one(settings) as is_free:
        if not is_free:
            tell_of_schedules("another process is starting the schedules of this project", at=utc_now())
            return ExitCode.SUCCESS
        loop = ScheduleLoop(project_dir, names, arguments)
        with _stopped_by_signals(loop.stop):
            code = loop.until_idle()
        if not loop.codes and not names:
            note_idle(loop.settings, loop.project_dir, loop.next_at)
        return code


def start_schedules(
    project_dir: Path | None,
    names: tuple[str, ...],
    serve: Callable[[ScheduleLoop], contextlib.AbstractContextManager[None]],
) -> int:
    """Start the times of schedules when they are due, in the foreground, until the process is asked to end."""
    settings = load_settings(project_dir)
    with only_one(settings) as is_free:
        if not is_free:
            raise _busy(settings)
        loop = ScheduleLoop(project_dir, names, is_naming=True)
        with _stopped_by_signals(loop.stop), serve(loop):
            watched = count(len(names or settings.schedules), "schedule")
            tell_of_schedules(f"watching {watched}", at=utc_now())
            code = loop.for_ever()
            tell_of_schedules("ended", at=utc_now())
            return code


def _busy(settings: Settings) -> EltError:
    return BusyError(
        f"Another process starts the schedules of {settings.project_root} already.",
        hint="End it, or let it do so: one process is enough.",
    )


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    before = {}
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda _number, _frame: stop.set())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
