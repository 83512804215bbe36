"""Defines the ports of notifications: their record, and what sends them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from orchestrator.notifications.happening import Happening
from orchestrator.notifications.notification_ledger import Notification, NotificationLedger, OpenCause, Settlement
from orchestrator.scheduling.claims import RecordedTime
from orchestrator.scheduling.schedule_ports import ProjectStore


class NotificationRecord(Protocol):
    """The record of what happened, of open causes, and of notifications. A store that fails raises StoreError."""

    def note(self, project: str, happening: Happening) -> None:
        """Record that something happened, of which nothing is decided yet."""

    def happenings(self, project: str) -> Sequence[tuple[int, Happening]]:
        """Return what was noted and not settled, in its order, with its numbers."""

    def happening_of(self, project: str, run_id: str) -> Happening | None:
        """Return what was last noted of a run."""

    def is_noted(self, project: str, happening: Happening) -> bool:
        """Return whether something of the same kind and subject was noted of the same time of a schedule."""

    def settle(
        self, project: str, number: int | None, decide: Callable[[NotificationLedger], Settlement], *, now: datetime
    ) -> Settlement | None:
        """Decide what follows from a happening, and record it, in one transaction.

        Nothing is done, and None returned, if another process has settled it. Without a number, the decision follows
        from the ledger alone.
        """

    def ledger(self, project: str) -> NotificationLedger:
        """Return the open causes and the notifications about them."""

    def put(self, project: str, notification: Notification) -> None:
        """Add one notification to the outbox."""

    def claim(self, project: str, *, now: datetime, until: datetime) -> Sequence[Notification]:
        """Return the notifications that are due, and reserve them for this process for a while."""

    def update(self, project: str, notification: Notification) -> None:
        """Record how a notification was sent or not."""

    def is_waiting(self, project: str, now: datetime) -> bool:
        """Return whether something noted is not settled, or a notification is due."""

    def next_due(self, project: str) -> datetime | None:
        """Return when the next waiting notification may be sent; None if none waits."""

    def causes(self, project: str) -> Sequence[OpenCause]:
        """Return all causes that are recorded, also those that have recovered."""

    def messages(self, project: str, *, limit: int) -> Sequence[Notification]:
        """Return the newest notifications that are no pings, newest first."""

    def pings(self, project: str, *, limit: int) -> Sequence[Notification]:
        """Return the newest pings, newest first."""

    def unended_runs(self, project: str) -> Sequence[str]:
        """Return the ids of the runs that have no end and whose loss was not noted since they were last alive."""

    def time_of_run(self, project: str, run_id: str) -> RecordedTime | None:
        """Return the time of a schedule that a run belongs to, if it belongs to one."""


class NotifyingStore(ProjectStore, Protocol):
    """The store of a project: the record of its runs, its schedules and its notifications."""

    def notification_record(self) -> NotificationRecord:
        """Return the record of notifications."""


class NotificationSender(Protocol):
    """Sends notifications. It raises NotificationError with the reason if one cannot be sent."""

    def send(self, notification: Notification, *, title: str, body: str, level: str) -> None:
        """Send one notification to its destination."""
