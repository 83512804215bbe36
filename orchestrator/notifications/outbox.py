"""Decides when notices are sent: at once, with a digest, as an escalation; and when they are given up."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby

from orchestrator.config.notification_settings import Destination
from orchestrator.notifications.ledger import LetterKind, Notice, NoticeState, NotificationLedger, OpenCause
from orchestrator.notifications.letters import RECOVERABLE, Letter, incident_key
from orchestrator.notifications.rules import NotificationPolicy
from orchestrator.timetable.cron import zone_of

GIVE_UP_AFTER = timedelta(days=1)
"""A notice that could not be sent for so long is not news any more."""
PING = "ping:"
"""What the destination of a ping begins with; its schedule follows."""
_LEVELS = ("failure", "warning", "success", "info")
_MOST_SHOWN = 1_000


def due_at(policy: NotificationPolicy, destination: str, schedule: str, now: datetime) -> datetime:
    """Return when a notice that is made now may be sent: now, or with the next digest of its destination."""
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


def next_escalation(ledger: NotificationLedger, policy: NotificationPolicy) -> datetime | None:
    """Return when the first escalation is due; None if no open cause has one."""
    times = [
        first.made_at + destination.escalate.after
        for cause in ledger.open.values()
        if cause.key.event in RECOVERABLE
        for name, destination in policy.destinations.items()
        if (first := next((one for one in ledger.about(cause, name)), None)) is not None
        and any(not ledger.about(cause, other) for other in destination.escalate.to)
    ]
    return min(times, default=None)


def parcels(due: Sequence[Notice], policy: NotificationPolicy) -> Iterator[tuple[Notice, ...]]:
    """Yield what is sent together: all notices of a digest, and every other notice alone, in their order."""
    alone = [notice for notice in due if not _is_collected(notice, policy)]
    collected = sorted(
        (notice for notice in due if _is_collected(notice, policy)), key=lambda one: (one.destination, one.number)
    )
    yield from ((notice,) for notice in alone)
    for _, some in groupby(collected, key=lambda one: one.destination):
        yield tuple(some)


def _is_collected(notice: Notice, policy: NotificationPolicy) -> bool:
    found = policy.destinations.get(notice.destination)
    is_alone = notice.kind is LetterKind.TEST or bool(notice.incident)  # an incident service keeps one for each cause
    return found is not None and found.digest is not None and not is_alone


def digest_text(notices: Sequence[Notice]) -> tuple[str, str, str]:
    """Return the title, the body and the level of notices that are sent together."""
    if len(notices) == 1:
        return notices[0].title, notices[0].body, notices[0].level
    title = f"{len(notices)} notifications"
    level = min((notice.level for notice in notices), key=_LEVELS.index)
    parts = [f"{notice.title}\n{_indented(notice.body)}" for notice in notices]
    return title, "\n\n".join(parts), level


def is_given_up(notice: Notice, now: datetime) -> bool:
    """Return whether a notice that could not be sent again is given up."""
    return now - max(notice.made_at, notice.due_at) >= GIVE_UP_AFTER


def troubled(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the notices that could not be sent: given up, or tried and still waiting."""
    return tuple(
        one
        for one in notices
        if one.state is NoticeState.GIVEN_UP or (one.state is NoticeState.WAITING and one.tries > 0)
    )


def _indented(body: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in body[:_MOST_SHOWN].splitlines())
