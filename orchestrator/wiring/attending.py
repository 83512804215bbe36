"""Reports runs that were lost, and starts the sender when something is due."""

import socket
from datetime import datetime, timedelta

from orchestrator.config.settings import Settings
from orchestrator.execution.liveness import RunState, lives, state_of
from orchestrator.execution.recorded import RunHead
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.notifications.notification_rules import policy_of
from orchestrator.notifications.outbox import next_escalation
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.wiring.schedule_notes import is_notifying, start_sender
from orchestrator.wording import count

_FAR = timedelta(days=365)
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
    if not is_due and any(one.escalate.to for one in settings.notifications.destinations.values()):
        escalated = next_escalation(record.ledger(project), policy_of(settings))
        is_due = escalated is not None and escalated <= now
    if is_due:
        start_sender(settings)
    return is_due


def is_quiet(settings: Settings, store: NotifyingStore, now: datetime) -> bool:
    """Return whether nothing waits to be sent, now or later, unless a run adds something."""
    if not is_notifying(settings):
        return True
    project, record = project_name(settings.dbt_project_dir), store.notification_record()
    if record.is_waiting(project, now + _FAR):
        return False
    return next_escalation(record.ledger(project), policy_of(settings)) is None


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
    heard = f"{head.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
    died = f"its process {process.pid} on {process.host} died"
    return f"{died}; last heartbeat at {heard}, {done:,} of {count(head.steps, 'step')} had ended"
