"""Writes the note that nothing is due, after a look that found nothing to do."""

import socket
from datetime import datetime
from pathlib import Path

from orchestrator.config.settings import Settings
from orchestrator.errors import NothingRecordedError
from orchestrator.execution.liveness import RunState, lives, state_of
from orchestrator.quick_due import note_nothing_due
from orchestrator.schedules.project_schedules import ProjectSchedules, opened_schedules, utc_now
from orchestrator.wiring.attending import next_sending

_FAR = 4e9  # seconds of the epoch: the clock starts nothing more
_MOST_ON_A_SERVER = 300.0  # seconds
_NEWEST = 20


def note_idle(settings: Settings | None, project_dir: Path | None, next_at: datetime | None) -> None:
    """Let the next calls end at once, until the next time comes or something is recorded that may make one due."""
    if settings is None or settings.elt_yml is None or not _can_be_noted(settings):
        return
    with opened_schedules(project_dir, settings) as schedules:
        if schedules.record.open_times(schedules.project) or _is_anything_running(schedules):
            return  # a process may die without a trace in the record
        sends_at = next_sending(settings, schedules.store, utc_now())
        if sends_at is not None and sends_at <= utc_now():
            return
        files = schedules.store.files()
    until = min((at.timestamp() for at in (next_at, sends_at) if at is not None), default=_FAR)
    # Another machine may write to a server at any time.
    until = until if files else min(until, utc_now().timestamp() + _MOST_ON_A_SERVER)
    watched = (settings.elt_yml, settings.dbt_project_dir / "dbt_project.yml", *files)
    note_nothing_due(settings.project_root, until=until, files=watched)


def _can_be_noted(settings: Settings) -> bool:
    """Return whether only the clock, elt.yml and the record make a time due."""
    elt_yml = settings.elt_yml.read_text(encoding="utf-8") if settings.elt_yml is not None else ""
    reads_environment = any("${" in line for line in elt_yml.splitlines() if "cron" in line or "timezone" in line)
    return not reads_environment and not any(one.on.files for one in settings.schedules.values())


def _is_anything_running(schedules: ProjectSchedules) -> bool:
    try:
        heads = schedules.store.reader().heads(limit=_NEWEST)
    except NothingRecordedError:
        return False
    now, here = utc_now(), socket.gethostname()
    return any(state_of(head, now=now, here=here, lives=lives) is RunState.RUNNING for head in heads)
