"""Reconstructs the ledger as it was at an earlier time, from the causes and notifications of today."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
)
from orchestrator.notifications.outbox import is_given_up


def ledger_at(causes: Iterable[OpenCause], notifications: Sequence[Notification], at: datetime) -> NotificationLedger:
    """Return the ledger before a time. `notifications` are in the order in which they were made."""
    made = tuple(_as_it_was(one, at) for one in notifications if one.made_at < at)
    found = (_open_at(cause, made, at) for cause in causes)
    return NotificationLedger(open={one.key.id: one for one in found if one is not None}, notifications=made)


def _open_at(cause: OpenCause, made: Sequence[Notification], at: datetime) -> OpenCause | None:
    """Return a cause as it was; None if it was not open.

    The record keeps only when a cause was opened last. What was sent before shows that it was open earlier.
    """
    if cause.first_at < at:
        is_over = cause.resolved_at is not None and cause.resolved_at < at
        first_at = None if is_over else cause.first_at
    else:
        about = [one for one in made if cause.key.id in one.causes]
        recovered = [number for number, one in enumerate(about) if one.kind is LetterKind.RECOVERY]
        since = about[recovered[-1] + 1 :] if recovered else about
        first_at = since[0].made_at if since else None
    if first_at is None:
        return None
    if cause.last_at < at:
        return replace(cause, resolved_at=None)
    # How often it had occurred by then, and in which run last, is not known.
    return replace(cause, first_at=first_at, last_at=at, times=0, last_run="", resolved_at=None)


def _as_it_was(notification: Notification, at: datetime) -> Notification:
    """Return a notification with the state that it had."""
    match notification.state:
        case NotificationState.SENT:
            is_later = notification.sent_at is not None and notification.sent_at >= at
        case NotificationState.GIVEN_UP:
            is_later = not is_given_up(notification, at)
        case NotificationState.WITHDRAWN:  # when what it reports was over: then that was not open at this time
            is_later = True
        case NotificationState.WAITING:
            is_later = False
    return replace(notification, state=NotificationState.WAITING) if is_later else notification
