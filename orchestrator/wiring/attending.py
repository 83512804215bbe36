"""Reports runs that were lost, and starts the sender when something is due."""

import socket
from datetime import datetime, timedelta

from orchestrator.config.settings import Settings
from orchestrator.execution.liveness import RunState, lives, state_of
from orchestrator.execution.recorded import RunHead
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.notifications.notification_rules import policy_of
from orchestrator.notifications.outbox import next_from_ledger
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wiring.schedule_notes import is_notifying, start_sender
from orchestrator.wording import count

_NEWS = timedelta(days=3)
"""The loss of a run whose last heartbeat is older is no news: it was lost before anybody was to be told."""


def attend(settings: Settings, store: NotifyingStore, now: datetime) -> bool:
    """Report lost runs, and start the sender if anything is due; return whether it was started.

    It costs a few milliseconds when there is nothing to do.
    """
    if not is_notifying(settings):
        return False
    project, record = project_name(settings.dbt_project_dir), store.notification_record()
    is_due = bool(report_lost(settings, store, now)) or record.is_waiting(project, now)
    if not is_due and settings.notifications.destinations:
        at = next_from_ledger(record.ledger(project), policy_of(settings))
        is_due = at is not None and at <= now
    if is_due:
        start_sender(settings)
    return is_due


def next_sending(settings: Settings, store: NotifyingStore, now: datetime) -> datetime | None:
    """Return when something is to be sent next, unless a run adds something; None for never."""
    if not is_notifying(settings):
        return None
    project, record = project_name(settings.dbt_project_dir), store.notification_record()
    if record.is_waiting(project, now):
        return now
    times = (record.next_due(project), next_from_ledger(record.ledger(project), policy_of(settings)))
    return min((at for at in times if at is not None), default=None)


def report_lost(settings: Settings, store: NotifyingStore, now: datetime) -> tuple[str, ...]:
    """Note each run whose process died, once, and return their ids. The caller starts the sender."""
    project, record = project_name(settings.dbt_project_dir), store.notification_record()
    found = []
    for run_id in record.unended_runs(project):
        head = store.reader().head(run_id)
        state = state_of(head, now=now, here=socket.gethostname(), lives=lives)
        if state is RunState.INTERRUPTED and now - head.heartbeat_at < _NEWS:
            lost = Happening(
                kind=HappeningKind.LOST, at=max(now, head.heartbeat_at), run_id=run_id, message=_last_known(head)
            )
            record.note(project, lost)
            found.append(run_id)
    return tuple(found)


def _last_known(head: RunHead) -> str:
    process, done = head.process, sum(head.counts.values())
    heard = shown_moment(head.heartbeat_at, "UTC", seconds=True)
    died = f"its process {process.pid} on {process.host} died"
    return f"{died}; last heartbeat at {heard}, {done:,} of {count(head.steps, 'step')} had ended"
