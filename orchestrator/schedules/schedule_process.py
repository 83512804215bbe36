"""Runs the process that starts schedules: what is due now, or in the foreground until it is asked to end."""

import contextlib
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import BusyError, EltError
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import tell_of_schedules
from orchestrator.schedules.due_note import note_idle
from orchestrator.schedules.project_schedules import utc_now
from orchestrator.schedules.schedule_loop import ScheduleLoop
from orchestrator.wording import count


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
            if sys.stderr.isatty():  # cron would write this into its log every minute of a run
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
