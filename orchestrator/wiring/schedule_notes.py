"""Notes single things that happened to a schedule, and starts the process that tells of them."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from orchestrator.config.settings import Settings
from orchestrator.masking import Masker
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.notification_ledger import LetterKind, Notification
from orchestrator.notifications.notification_ports import NotificationRecord
from orchestrator.notifications.outbox import PING
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.timetable.scheduled_time import ScheduledTime

_HOSTED = ("CI", "KUBERNETES_SERVICE_HOST")
"""Variables of environments that end all processes together with the first one."""
_AT_ONCE = ("start", "0")
"""Pings that no further run of the same time changes."""
_PATIENCE = 120  # seconds that such an environment waits for the notifications of a run


def is_notifying(settings: Settings) -> bool:
    """Return whether anybody is told of anything."""
    return bool(settings.notifications.destinations) or any(one.ping for one in settings.schedules.values())


def note_ping(
    settings: Settings, record: NotificationRecord, scheduled: ScheduledTime, signal: str, *, run_id: str = ""
) -> bool:
    """Put a ping of a schedule into the outbox: `start`, or an exit code. Return whether the schedule has one.

    A failure that the schedule may retry is put there by `put_ping` when no further run comes.
    """
    schedule = settings.schedules.get(scheduled.schedule)
    if schedule is not None and schedule.retry.runs and signal not in _AT_ONCE:
        return False
    return put_ping(settings, record, scheduled.schedule, scheduled.logical_time, signal, run_id=run_id)


def put_ping(
    settings: Settings, record: NotificationRecord, name: str, logical_time: datetime, signal: str, *, run_id: str
) -> bool:
    """Put a ping of a schedule into the outbox, whatever comes next. Return whether the schedule has one."""
    schedule = settings.schedules.get(name)
    if schedule is None or schedule.ping is None:
        return False
    now, project = datetime.now(UTC), project_name(settings.dbt_project_dir)
    same = f"{project}/{name}/{logical_time.isoformat()}"
    notification = Notification(
        destination=f"{PING}{name}",
        kind=LetterKind.PING,
        run_id=run_id,
        schedule=name,
        made_at=now,
        due_at=now,
        title=signal,
        body=f"elt {run_id or name}: {signal}",
        incident=str(uuid5(NAMESPACE_URL, same)),
    )
    record.put(project, notification)
    return True


def note_late(
    record: NotificationRecord,
    settings: Settings,
    scheduled: ScheduledTime,
    expected_end: datetime | None,
    deadline: datetime,
    now: datetime,
    *,
    subject: str = "",
    run_id: str | None = None,
) -> None:
    """Note once that a run is expected to end after a deadline, and start the sender.

    `expected_end` is None if the deadline has passed, whatever is expected. `subject` has the deadline: the schedule
    itself by default.
    """
    happening = Happening(
        kind=HappeningKind.LATE,
        at=now,
        schedule=scheduled.schedule,
        logical_time=scheduled.logical_time,
        expected_end=expected_end,
        deadline=deadline,
        subject=subject or f"schedule {scheduled.schedule}",
        run_id=run_id,
    )
    project = project_name(settings.dbt_project_dir)
    if not record.is_noted(project, happening):
        record.note(project, happening)
        start_sender(settings)


def note_passed_deadline(
    record: NotificationRecord, settings: Settings, scheduled: ScheduledTime, run_id: str | None, now: datetime
) -> None:
    """Note once that the deadline of a scheduled run has passed, if it has."""
    schedule = settings.schedules.get(scheduled.schedule)
    deadline = None if schedule is None else schedule.deadline_of(scheduled.logical_time)
    if deadline is not None and deadline <= now:
        note_late(record, settings, scheduled, None, deadline, now, run_id=run_id)


def note_skipped(
    record: NotificationRecord, settings: Settings, scheduled: ScheduledTime, reason: str, now: datetime
) -> None:
    """Note that a time of a schedule did not run because there was no data, and start the sender."""
    happening = Happening(
        kind=HappeningKind.SKIPPED,
        at=now,
        schedule=scheduled.schedule,
        logical_time=scheduled.logical_time,
        message=Masker(os.environ).text(reason),
    )
    record.note(project_name(settings.dbt_project_dir), happening)
    note_ping(settings, record, scheduled, "0")
    start_sender(settings, is_last=True)


def note_refused(
    record: NotificationRecord, settings: Settings, scheduled: ScheduledTime, reason: str, exit_code: int, now: datetime
) -> None:
    """Note that a time of a schedule failed before its run could begin, and start the sender."""
    happening = Happening(
        kind=HappeningKind.NOT_STARTED,
        at=now,
        schedule=scheduled.schedule,
        logical_time=scheduled.logical_time,
        exit_code=exit_code,
        message=Masker(os.environ).text(reason),
    )
    record.note(project_name(settings.dbt_project_dir), happening)
    note_ping(settings, record, scheduled, str(exit_code))
    start_sender(settings, is_last=True)


def start_sender(settings: Settings, *words: str, is_last: bool = False) -> None:
    """Start the process that sends notifications, detached from this one; never raises.

    `is_last` says that this process is about to end. It waits for the sender where that would end together with it.
    """
    folder = settings.project_root if settings.elt_yml is not None else settings.dbt_project_dir
    command = [sys.executable, "-P", "-m", "orchestrator", "notify", "send", "--project-dir", str(folder), *words]
    null = subprocess.DEVNULL
    with suppress(OSError, subprocess.SubprocessError):
        child = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True, close_fds=True)
        if is_last and _ends_all_together():
            child.wait(_PATIENCE)
        # The child goes on on its own. Somebody has to collect its exit status, in a process that lives long.
        threading.Thread(target=child.wait, name="notifier-end", daemon=True).start()


def _ends_all_together() -> bool:
    """Return whether this is the first process of a container, or of a job or a service that ends all its processes."""
    if os.getpid() == 1 or any(os.environ.get(name) for name in _HOSTED):
        return True
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    # As systemd documents it: the variable alone is also in the terminals of a desktop.
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"
