"""Decides what each destination is told of a happening: once for each cause, a reminder, one recovery."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
)
from orchestrator.notifications.notification_rules import NotificationPolicy, told, wants_recovery
from orchestrator.notifications.trouble import RunFacts, Trouble
from orchestrator.timetable.shown_moment import shown_moment

RECOVERABLE = frozenset({NotifyEvent.FAILURE, NotifyEvent.LATE, NotifyEvent.LOST})
"""The events whose end is reported."""
_NEARLY = 0.9
"""A nightly run does not end at the same second each night: a reminder may come a tenth earlier than it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTrouble:
    """A trouble in a letter, with what the ledger knows of its cause."""

    trouble: Trouble
    cause: OpenCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one destination is told."""

    destination: str
    kind: LetterKind
    troubles: tuple[ToldTrouble, ...] = ()
    lasting: tuple[OpenCause, ...] = ()
    """Causes that the destination knows already, and that the run still has."""
    recovered: tuple[OpenCause, ...] = ()
    why: tuple[str, ...] = ()
    """The rules because of which it is sent."""
    owners: tuple[str, ...] = ()
    """If set: the letter contains only what concerns these owners."""
    incident: str = ""

    @property
    def causes(self) -> tuple[str, ...]:
        """Return the ids of the causes that it is about."""
        return tuple(one.cause.key.id for one in self.troubles) + tuple(one.key.id for one in self.recovered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What follows from a happening."""

    causes: tuple[OpenCause, ...]
    letters: tuple[Letter, ...]
    withdrawn: tuple[int, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    """Why a destination is told nothing."""


def decide(facts: RunFacts, ledger: NotificationLedger, policy: NotificationPolicy, now: datetime) -> Decided:
    """Decide what everybody is told of a happening. Nothing is decided twice: the result is to be recorded at once."""
    present = {trouble.key.id: _seen(trouble, facts, ledger) for trouble in facts.troubles}
    seen = {cause.key.id for cause in present.values()}
    resolved = tuple(
        replace(cause, resolved_at=now)
        for cause in ledger.open.values()
        if cause.key.id not in seen and _is_resolved(cause, facts)
    )
    withdrawn = _withdrawn(ledger, resolved, policy, now)
    rest = NotificationLedger(
        open=ledger.open, notifications=tuple(one for one in ledger.notifications if one.number not in withdrawn)
    )
    letters, silent = list[Letter](), dict[str, str]()
    for destination in policy.destinations:
        made = _for_destination(destination, facts, present, resolved, rest, policy)
        letters += made.letters
        if not made.letters:
            silent[destination] = made.why_not
    causes = tuple({cause.key.id: cause for cause in (*present.values(), *resolved)}.values())
    return Decided(causes=causes, letters=tuple(letters), withdrawn=withdrawn, silent=silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    letters: tuple[Letter, ...] = ()
    why_not: str = ""


def _for_destination(
    destination: str,
    facts: RunFacts,
    present: Mapping[str, OpenCause],
    resolved: tuple[OpenCause, ...],
    ledger: NotificationLedger,
    policy: NotificationPolicy,
) -> _Made:
    new, again, lasting = list[ToldTrouble](), list[ToldTrouble](), list[OpenCause]()
    why, why_not, owners = dict[str, None](), dict[str, None](), list[tuple[str, ...]]()
    for trouble in facts.troubles:
        found = told(policy, destination, trouble.key.event, facts.schedule, trouble.concerned)
        if not found:
            why_not[found.why_not] = None
            continue
        cause = present[trouble.key.id]
        before = ledger.about(cause, destination)
        if not before:
            new.append(ToldTrouble(trouble=trouble, cause=cause))
        elif _is_due_again(before, policy.destinations[destination].reminder, facts, cause):
            again.append(ToldTrouble(trouble=trouble, cause=cause))
        else:
            lasting.append(cause)
            why_not[_open_words(cause, before, policy.destinations[destination].reminder)] = None
            continue
        why[found.why] = None
        owners.append(found.owners)
    over = tuple(cause for cause in resolved if _is_told_of_end(cause, destination, ledger, policy))
    success = told(policy, destination, NotifyEvent.SUCCESS, facts.schedule, facts.nodes)
    is_success = facts.is_green and bool(success)
    if over:
        why["the failure that it was notified of"] = None
    if is_success:
        why[success.why] = None
    if facts.is_green and not facts.troubles:
        why_not[success.why_not] = None
    if not (new or again or over or is_success):
        return _Made(why_not="; ".join(filter(None, why_not)) or "nothing to tell")
    whole = Letter(
        destination=destination,
        kind=_kind(new, again, over),
        troubles=(*new, *again),
        lasting=tuple(lasting) if new or again else (),
        recovered=over,
        why=tuple(why),
        owners=() if () in owners else tuple(dict.fromkeys(one for some in owners for one in some)),
    )
    is_incident = destination in policy.incidents
    return _Made(letters=tuple(_by_cause(whole, facts.project)) if is_incident else (whole,))


def _kind(new: list[ToldTrouble], again: list[ToldTrouble], over: tuple[OpenCause, ...]) -> LetterKind:
    if new:
        return LetterKind.REPORT
    if again:
        return LetterKind.REMINDER
    return LetterKind.RECOVERY if over else LetterKind.SUCCESS


def _by_cause(whole: Letter, project: str) -> Iterator[Letter]:
    """Yield one letter for each cause: an incident service opens and resolves an incident for each."""
    for one in whole.troubles:
        key = incident_key(project, one.cause)
        yield replace(whole, troubles=(one,), lasting=(), recovered=(), incident=key)
    for cause in whole.recovered:
        key = incident_key(project, cause)
        yield replace(whole, kind=LetterKind.RECOVERY, troubles=(), lasting=(), recovered=(cause,), incident=key)


def incident_key(project: str, cause: OpenCause) -> str:
    """Return the key under which incident services find the incident of a cause again."""
    return f"elt-{project}-{cause.key.id}"


def _seen(trouble: Trouble, facts: RunFacts, ledger: NotificationLedger) -> OpenCause:
    """Return the cause of a trouble as it is after this run."""
    message = " ".join(trouble.message.split())
    known = ledger.open.get(trouble.key.id) or next(
        (cause for cause in ledger.open.values() if _is_same_anywhere(cause, trouble)), None
    )
    run = facts.run_id or ""
    if known is None:
        return OpenCause(
            key=trouble.key,
            name=trouble.name,
            message=message,
            schedule=facts.schedule,
            first_at=facts.at,
            last_at=facts.at,
            last_run=run,
        )
    is_again = bool(run) and known.last_run == run  # the same run, which was resumed
    times = known.times if is_again else known.times + 1
    last_at = max(facts.at, known.last_at)
    return replace(known, last_at=last_at, times=times, last_run=run, message=message or known.message)


def _is_same_anywhere(cause: OpenCause, trouble: Trouble) -> bool:
    """Return whether the causes are the same step of a target, where the place of one of them is not known."""
    one, other = cause.key, trouble.key
    is_same = (one.target, one.step, one.event) == (other.target, other.step, other.event)
    return is_same and bool(one.target) and not (one.place and other.place)


def _is_resolved(cause: OpenCause, facts: RunFacts) -> bool:
    """Return whether a happening shows that a cause is over."""
    key = cause.key
    if key.event is NotifyEvent.LATE:  # what was late is there now
        return facts.is_green and key.place == facts.schedule
    for (target, place, step), event in facts.ended.items():
        is_there = place == key.place or (bool(key.target) and not (place and key.place))
        if (target, step) == (key.target, key.step) and is_there:
            return event is not key.event
    # A green run of its schedule without the step: it was removed, or is no longer selected.
    is_own = bool(facts.schedule) and (cause.schedule, key.target) == (facts.schedule, facts.target_identity)
    return facts.is_green and is_own


def _open_words(cause: OpenCause, before: tuple[Notification, ...], reminder: timedelta | None) -> str:
    """Return why a destination is not told of a cause once more."""
    notified_at, since = shown_moment(before[-1].made_at, "UTC"), shown_moment(cause.first_at, "UTC")
    again = "without a reminder"
    if reminder is not None:
        again = f"and the reminder comes at {shown_moment(next_reminder(before, reminder), 'UTC')}"
    return f"it was notified of {cause.name} at {notified_at}; the cause is open since {since}, {again}"


def next_reminder(before: tuple[Notification, ...], reminder: timedelta) -> datetime:
    """Return when a cause is reported again. Each further reminder waits twice as long as the one before it."""
    wait: timedelta = reminder * 2 ** min(len(before) - 1, 10)
    return before[-1].made_at + wait


def _is_due_again(
    before: tuple[Notification, ...], reminder: timedelta | None, facts: RunFacts, cause: OpenCause
) -> bool:
    """Return whether a cause is reported again. Each further reminder waits twice as long as the one before it."""
    last = before[-1]
    is_same_run = bool(facts.run_id) and last.run_id == facts.run_id
    if reminder is None or last.state is NotificationState.WAITING or is_same_run:
        return False
    wait: timedelta = reminder * 2 ** min(len(before) - 1, 10) * _NEARLY
    return cause.last_at - last.made_at >= wait


def _is_told_of_end(cause: OpenCause, destination: str, ledger: NotificationLedger, policy: NotificationPolicy) -> bool:
    """Return whether a destination was told of a cause, and so is told of its end."""
    about = ledger.about(cause, destination)
    if cause.key.event not in RECOVERABLE or not about or about[-1].kind is LetterKind.RECOVERY:
        return False
    is_escalated = any(notification.kind is LetterKind.ESCALATION for notification in about)
    is_incident = destination in policy.incidents
    return is_escalated or is_incident or wants_recovery(policy, destination, cause.schedule)


def _withdrawn(
    ledger: NotificationLedger, resolved: tuple[OpenCause, ...], policy: NotificationPolicy, now: datetime
) -> tuple[int, ...]:
    """Return the notifications that were not sent yet and report only what is over; a digest still tells of it.

    A delay is told: the run did end, and after its deadline.
    """
    over = {cause.key.id for cause in resolved}
    return tuple(
        notification.number
        for notification in ledger.notifications
        if notification.is_pending(now)
        and notification.causes
        and set(notification.causes) <= over
        and not any(cause.key.event is NotifyEvent.LATE for cause in resolved if cause.key.id in notification.causes)
        and notification.kind is not LetterKind.RECOVERY
        and not _is_digest(policy, notification.destination)
    )


def _is_digest(policy: NotificationPolicy, destination: str) -> bool:
    found = policy.destinations.get(destination)
    return found is not None and found.digest is not None
