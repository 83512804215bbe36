"""Notes what happened in runs, and starts the process that tells of it. Nothing here delays a run or makes it fail."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TypeVar

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import EltError
from orchestrator.execution.events import Event, RunNotStarted, RunStarted
from orchestrator.execution.ports import RunListener
from orchestrator.execution.verdict import not_started
from orchestrator.masking import Masker
from orchestrator.notifications.happening import Happening, HappeningKind, happening_to_json
from orchestrator.notifications.notification_ports import NotificationRecord, NotifyingStore
from orchestrator.plan.command import Command
from orchestrator.report.streams import Lines
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.wiring.attending import report_lost
from orchestrator.wiring.driving import FinishedRun
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.schedule_notes import is_notifying, note_passed_deadline, note_ping, start_sender

Ran = TypeVar("Ran", bound=FinishedRun | None)


def with_notifications(
    command: Command, listeners: Sequence[RunListener], run: Callable[[Sequence[RunListener]], Ran]
) -> Ran:
    """Run something, and note how it ended when its exit code is known; it tells the listeners that it gets.

    Without notifications in elt.yml, or with mistakes in it, which the run itself reports, nothing is noted.
    """
    settings = None
    with suppress(EltError):
        settings = load_settings(command.project_dir)
    if settings is None or not is_notifying(settings):
        return run(listeners)
    noting = RunNoting(settings, command.scheduled)
    try:
        ran = run((*listeners, noting))
    except (Exception, KeyboardInterrupt) as error:
        noting.end(not_started(error, datetime.now(UTC), Masker(os.environ)))
        raise
    noting.end(None if ran is None else int(ran.exit_code))
    return ran


class RunNoting:
    """Notes the start and the end of one run; the start as a listener, when the run has opened the store."""

    def __init__(self, settings: Settings, scheduled: ScheduledTime | None) -> None:
        self._settings = settings
        self._scheduled = scheduled
        self._project = project_name(settings.dbt_project_dir)
        self._run_id: str | None = None

    def hear(self, event: Event) -> None:
        """Note the start of the run, for a dead-man's switch, and what other runs left."""
        if isinstance(event, RunStarted):
            self._run_id = event.run_id
            self._note(self._write_start, None)

    def end(self, ended: int | RunNotStarted | None) -> None:
        """Note the end: an exit code, or the error because of which there is none; None if there was nothing to run."""
        happening = self._happening(ended)

        def write(store: NotifyingStore) -> bool:
            record = store.notification_record()
            is_pinged = self._ping(record, str(happening.exit_code))
            is_empty = self._run_id is None and happening.exit_code == 0  # there was nothing to run
            if is_empty or not self._is_told(record):
                return is_pinged
            if self._scheduled is not None and self._run_id is not None:
                # Before the end, which is the recovery.
                note_passed_deadline(record, self._settings, self._scheduled, self._run_id, happening.at)
            record.note(self._project, happening)
            return True

        self._note(write, happening)

    def _write_start(self, store: NotifyingStore) -> bool:
        record, now = store.notification_record(), datetime.now(UTC)
        is_started = self._ping(record, "start")
        if self._scheduled is not None:
            note_passed_deadline(record, self._settings, self._scheduled, self._run_id, now)
        return bool(report_lost(self._settings, store, now)) or is_started

    def _note(self, write: Callable[[NotifyingStore], bool], happening: Happening | None) -> None:
        """Write something to the store, and start the sender if there is something to send."""
        try:
            with closing(open_store(self._settings)) as store:
                is_to_send = write(store)
        except (EltError, OSError) as error:
            # The store may be what broke the run. What happened is then sent without a record.
            if happening is None or happening.exit_code == 0:
                return
            told = Masker(os.environ).text(getattr(error, "message", str(error)))
            Lines(sys.stderr).write(f"This notification cannot be recorded, and is sent without a record: {told}")
            told_json = json.dumps(happening_to_json(happening))
            start_sender(self._settings, "--unrecorded", told_json, is_last=True)
        else:
            if is_to_send:
                start_sender(self._settings, is_last=happening is not None)

    def _happening(self, ended: int | RunNotStarted | None) -> Happening:
        refusal = ended if isinstance(ended, RunNotStarted) else None
        return Happening(
            kind=HappeningKind.NOT_STARTED if self._run_id is None else HappeningKind.ENDED,
            at=datetime.now(UTC),
            run_id=self._run_id,
            schedule=self._scheduled.schedule if self._scheduled is not None else "",
            logical_time=self._scheduled.logical_time if self._scheduled is not None else None,
            exit_code=ended.exit_code if isinstance(ended, RunNotStarted) else ended or 0,
            message=refusal.message if refusal is not None else "",
            hint=refusal.hint if refusal is not None else "",
        )

    def _is_told(self, record: NotificationRecord) -> bool:
        """Return whether the run may concern anybody: a run by hand may at least repair what was reported."""
        is_own = self._scheduled is not None or any(rule.manual for rule in self._settings.notifications.rules)
        return is_own or bool(record.ledger(self._project).open)

    def _ping(self, record: NotificationRecord, signal: str) -> bool:
        """Put a ping into the outbox, and return whether the schedule has one."""
        if self._scheduled is None:
            return False
        return note_ping(self._settings, record, self._scheduled, signal, run_id=self._run_id or "")
