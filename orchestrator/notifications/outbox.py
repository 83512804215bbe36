"""Decides when notifications are sent: at once, with a digest, as an escalation; and when they are given up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby

from orchestrator.config.notification_settings import Destination, NotifyEvent
from orchestrator.notifications.letters import RECOVERABLE, Letter, incident_key, next_reminder
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
)
from orchestrator.notifications.notification_rules import NotificationPolicy, told
from orchestrator.timetable.cron import zone_of
from orchestrator.wording import shortened

GIVE_UP_AFTER = timedelta(days=1)
"""A notification that could not be sent for so long is not news any more."""
PING = "ping:"
"""What the destination of a ping begins with; its schedule follows."""
_LEVELS = ("failure", "warning", "success", "info")
_MOST_SHOWN = 1_000
_MOST_COLLECTED = 15
_MOST_TITLES = 50
_REMINDED = frozenset({NotifyEvent.FAILURE, NotifyEvent.LOST})
"""The events of which a destination is reminded although no run has ended since."""
_TENTH_LATER = 1.1


def due_at(policy: NotificationPolicy, destination: str, schedule: str, now: datetime) -> datetime:
    """Return when a notification that is made now may be sent: now, or with the next digest of its destination."""
    found = policy.destinations.get(destination)
    if found is None or found.digest is None:
        return now
    return next_digest(found, policy.zone(destination, schedule), now)


def next_digest(destination: Destination, zone: str, now: datetime) -> datetime:
    """Return the first time of a digest after now; a time that daylight saving omits is an hour later that day."""
    local = now.astimezone(zone_of(zone))
    wanted = destination.digest or time()
    for days in (0, 1):
        day = local.date() + timedelta(days=days)
        found = datetime.combine(day, wanted, tzinfo=zone_of(zone)).astimezone(UTC)
        if found > now:
            return found
    return now + timedelta(days=1)


def escalations(
    ledger: NotificationLedger, policy: NotificationPolicy, project: str, now: datetime
) -> Iterator[Letter]:
    """Yield a letter for each cause that has lasted too long, to each destination that was not told of that yet."""
    for cause in ledger.open.values():
        if cause.key.event not in RECOVERABLE:
            continue
        for name, destination in policy.destinations.items():
            first = next((one for one in ledger.about(cause, name) if one.kind is not LetterKind.ESCALATION), None)
            if first is None or now - first.made_at < destination.escalate.after:
                continue
            for other in destination.escalate.to:
                if not ledger.about(cause, other):
                    yield _escalation(cause, other, name, policy, project)


def _escalation(cause: OpenCause, to: str, instead_of: str, policy: NotificationPolicy, project: str) -> Letter:
    return Letter(
        destination=to,
        kind=LetterKind.ESCALATION,
        lasting=(cause,),
        why=(f"notifications.destinations.{instead_of}.escalate",),
        incident=incident_key(project, cause) if to in policy.incidents else "",
    )


def reminders(ledger: NotificationLedger, policy: NotificationPolicy, project: str, now: datetime) -> Iterator[Letter]:
    """Yield a reminder, for each destination and schedule, of the causes that no run has reported again in time."""
    for name in policy.destinations:
        due = defaultdict[str, list[OpenCause]](list)
        for cause in ledger.open.values():
            at = _reminder_at(cause, name, ledger, policy)
            if at is not None and at <= now:
                due[cause.schedule].append(cause)
        for causes in due.values():
            whole = Letter(destination=name, kind=LetterKind.REMINDER, lasting=tuple(causes), why=("the reminder",))
            if name in policy.incidents:
                yield from (replace(whole, lasting=(one,), incident=incident_key(project, one)) for one in causes)
            else:
                yield whole


def _reminder_at(
    cause: OpenCause, name: str, ledger: NotificationLedger, policy: NotificationPolicy
) -> datetime | None:
    """Return when a destination is reminded of a cause although no run reports it; None for never.

    That is a tenth later than a reminder is due: a run that reports the cause shortly after it comes first.
    """
    about, reminder = ledger.about(cause, name), policy.destinations[name].reminder
    is_scheduled = not cause.schedule or cause.schedule in policy.zones  # a schedule may have been removed
    if reminder is None or cause.key.event not in _REMINDED or not is_scheduled:
        return None
    is_open = any(one.kind is not LetterKind.ESCALATION for one in about) and about[-1].kind is not LetterKind.RECOVERY
    if not is_open or about[-1].state is NotificationState.WAITING:
        return None
    if not told(policy, name, cause.key.event, cause.schedule, ()):
        return None
    return about[-1].made_at + (next_reminder(about, reminder) - about[-1].made_at) * _TENTH_LATER


def next_from_ledger(ledger: NotificationLedger, policy: NotificationPolicy) -> datetime | None:
    """Return when the first escalation or reminder is due; None if no open cause has one."""
    times = [
        at
        for cause in ledger.open.values()
        for name in policy.destinations
        if (at := _reminder_at(cause, name, ledger, policy)) is not None
    ]
    times += [
        first.made_at + destination.escalate.after
        for cause in ledger.open.values()
        if cause.key.event in RECOVERABLE
        for name, destination in policy.destinations.items()
        if (first := next((one for one in ledger.about(cause, name)), None)) is not None
        and any(not ledger.about(cause, other) for other in destination.escalate.to)
    ]
    return min(times, default=None)


def parcels(due: Sequence[Notification], policy: NotificationPolicy) -> Iterator[tuple[Notification, ...]]:
    """Yield what is sent together: all of a digest, and every other notification alone, in their order."""
    alone = [one for one in due if not _is_collected(one, policy)]
    collected = [one for one in due if _is_collected(one, policy)]
    collected.sort(key=lambda one: (one.destination, one.number))
    yield from ((one,) for one in alone)
    for _, some in groupby(collected, key=lambda one: one.destination):
        yield tuple(some)


def _is_collected(notification: Notification, policy: NotificationPolicy) -> bool:
    found = policy.destinations.get(notification.destination)
    is_alone = notification.kind is LetterKind.TEST or bool(
        notification.incident
    )  # an incident service keeps one for each cause
    return found is not None and found.digest is not None and not is_alone


def digest_text(notifications: Sequence[Notification]) -> tuple[str, str, str]:
    """Return the title, the body and the level of notifications that are sent together."""
    if len(notifications) == 1:
        return notifications[0].title, notifications[0].body, notifications[0].level
    title = f"{len(notifications)} notifications"
    level = min((notification.level for notification in notifications), key=_LEVELS.index)
    parts = [f"{one.title}\n{_indented(one.body)}" for one in notifications[:_MOST_COLLECTED]]
    if len(notifications) > _MOST_COLLECTED:
        rest = [f"{one.title}" for one in notifications[_MOST_COLLECTED:]]
        parts.append("\n".join(rest[:_MOST_TITLES]))
        if len(rest) > _MOST_TITLES:
            parts.append(f"and {len(rest) - _MOST_TITLES:,} more: elt notify status")
    return title, "\n\n".join(parts), level


def is_given_up(notification: Notification, now: datetime) -> bool:
    """Return whether a notification that could not be sent again is given up."""
    return now - max(notification.made_at, notification.due_at) >= GIVE_UP_AFTER


def troubled(notifications: Iterable[Notification]) -> tuple[Notification, ...]:
    """Return the notifications that could not be sent: given up, or tried and still waiting."""
    return tuple(
        one
        for one in notifications
        if one.state is NotificationState.GIVEN_UP or (one.state is NotificationState.WAITING and one.tries > 0)
    )


def _indented(body: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in shortened(body, _MOST_SHOWN).splitlines())
