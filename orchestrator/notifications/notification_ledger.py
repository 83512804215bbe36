"""Defines what is remembered between runs: the open causes, and what was sent to whom about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.notifications.trouble import CauseKey


class NotificationState(StrEnum):
    """The state of a notification."""

    WAITING = "waiting"
    """Nothing was sent yet: it is to be sent now, or with a digest, or again after an error."""
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    """What it reports was over before it could be sent."""
    GIVEN_UP = "given_up"
    """It could not be sent for a day."""


class LetterKind(StrEnum):
    """Why a notification is sent."""

    REPORT = "report"
    REMINDER = "reminder"
    RECOVERY = "recovery"
    ESCALATION = "escalation"
    SUCCESS = "success"
    TEST = "test"
    PING = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCause:
    """A root cause that has not been resolved."""

    key: CauseKey
    name: str
    message: str = ""
    """What was last said of it, in one line."""
    schedule: str = ""
    first_at: datetime
    last_at: datetime
    times: int = 1
    """The number of consecutive runs that had it."""
    last_run: str = ""
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification to one destination: waiting in the outbox, sent, or given up."""

    number: int = 0
    """Its number in the record, in the order in which notifications were made."""
    destination: str
    kind: LetterKind
    causes: tuple[str, ...] = ()
    """The ids of the causes that it is about."""
    run_id: str = ""
    schedule: str = ""
    made_at: datetime
    due_at: datetime
    """When it may be sent: at once, or with the next digest."""
    title: str
    body: str
    level: str = "info"
    """`failure`, `warning`, `success` or `info`."""
    incident: str = ""
    """The id under which an incident service keeps its incident; empty for other destinations."""
    state: NotificationState = NotificationState.WAITING
    tries: int = 0
    sent_at: datetime | None = None
    error: str = ""
    """Why it could not be sent, with secrets masked."""
    claimed_until: datetime | None = None
    """Until then, a process is sending it."""

    def is_pending(self, now: datetime) -> bool:
        """Return whether no process has begun to send it."""
        is_claimed = self.claimed_until is not None and self.claimed_until > now
        return self.state is NotificationState.WAITING and not is_claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationLedger:
    """The open causes of a project by id, and the notifications about them."""

    open: Mapping[str, OpenCause] = field(default_factory=dict)
    notifications: tuple[Notification, ...] = ()
    """In the order in which they were made."""

    def about(self, cause: OpenCause, destination: str) -> tuple[Notification, ...]:
        """Return what was sent to a destination, or waits for it, since a cause was first seen."""
        return tuple(
            notification
            for notification in self.notifications
            if notification.destination == destination
            and cause.key.id in notification.causes
            and notification.made_at >= cause.first_at
            and notification.state in {NotificationState.WAITING, NotificationState.SENT}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What follows from a happening: how the ledger changes."""

    causes: tuple[OpenCause, ...] = ()
    """New, repeated and resolved causes."""
    notifications: tuple[Notification, ...] = ()
    """New notifications, without numbers."""
    withdrawn: tuple[int, ...] = ()
    """The numbers of notifications that are no longer to be sent."""
