"""Prints what was told, what would be told, and what could not be sent, for users and programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.notifications.notification_ledger import Notification, NotificationState, OpenCause
from orchestrator.notifications.outbox import troubled
from orchestrator.report.streams import print_wide
from orchestrator.report.words import clean, one_line
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import count, some_of

_LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one destination is sent about a run."""

    destination: str
    messages: tuple[Notification, ...] = ()
    why: tuple[str, ...] = ()
    """The rules because of which it is notified."""
    why_not: str = ""
    """Why it is not notified."""
    sent: tuple[Notification, ...] = ()
    """What was made for it when the run ended."""
    held_back: str = ""
    """Why nothing would be sent now, although the rules include it."""
    waits_for: str = ""
    """Why the messages are not sent, or not yet: the schedule repeats the run."""


def print_previews(console: Console, run_id: str, previews: Sequence[Preview]) -> None:
    """Print each message, to whom it goes, and why."""
    if not previews:
        console.print(
            "elt.yml has no destinations, so no notification is sent. See notifications.destinations.", soft_wrap=True
        )
    for one in previews:
        if not one.messages:
            console.print(Text(f"{one.destination}: not notified: {one.why_not}"), soft_wrap=True)
            continue
        because = f"notified because of {', '.join(one.why)}"
        if one.held_back:
            because = f"not sent again ({', '.join(one.why)} includes it): {one.held_back}"
        if one.waits_for:
            because = f"not notified of this run ({', '.join(one.why)} includes it): {one.waits_for}"
        console.print(Text(f"{one.destination}: {because}"), soft_wrap=True)
        for notification in one.sent:
            console.print(Text(f"  {_state(notification)}", style="dim"), soft_wrap=True)
        for message in one.messages:
            console.print(Text(f"\n  {message.title}", style="bold"), soft_wrap=True)
            for line in message.body.splitlines():
                console.print(Text(f"  {line}" if line else ""), soft_wrap=True)
        console.print()
    if previews:
        console.print(Text(f"Run {run_id}", style="dim"))


def previews_json(run_id: str, previews: Sequence[Preview]) -> dict[str, object]:
    """Return the same as a JSON object."""
    return {
        "run_id": run_id,
        "destinations": [
            {
                "destination": one.destination,
                "notified": bool(one.messages) and not one.waits_for,
                "why": list(one.why),
                "why_not": one.why_not or None,
                "held_back": one.held_back or one.waits_for or None,
                "messages": [_message(notification) for notification in one.messages],
                "sent": [notification_json(notification) for notification in one.sent],
            }
            for one in previews
        ],
    }


def print_status(
    console: Console,
    causes: Sequence[OpenCause],
    messages: Sequence[Notification],
    pings: Sequence[Notification],
    gone: Sequence[str] = (),
) -> None:
    """Print the open causes, the messages in their order, and one line for the pings of each schedule.

    `gone` are the destinations of waiting messages that elt.yml does not have any more.
    """
    if causes:
        console.print(Text(f"Not recovered: {count(len(causes), 'cause')}", style="bold"))
        for cause in causes:
            many = f", {count(cause.times, 'run')} in a row" if cause.times > 1 else ""
            since = f"{cause.key.event.value.replace('_', ' ')} since {shown_moment(cause.first_at)}{many}"
            console.print(Text(f"  {cause.name}  {since}  {one_line(cause.message, longest=_LONGEST)}"), soft_wrap=True)
        console.print()
    if not (messages or pings):
        console.print("No notification was made yet.")
        return
    bad = troubled(messages)
    if bad:
        console.print(Text(unsent_text(len(bad)), style="bold"), soft_wrap=True)
        print_wide(console, _table(bad, style="yellow"))
        if gone:
            console.print(f"elt.yml has no destination {some_of(gone)} any more.", soft_wrap=True)
        console.print()
    if others := [one for one in messages if one not in bad]:
        print_wide(console, _table(others))
    if pings:
        if others:
            console.print()
        print_wide(console, _pings_table(pings))


def _table(messages: Sequence[Notification], style: str | None = None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in ("made", "to", "state", "kind", "what"):
        table.add_column(name, overflow="fold")
    for one in messages:
        state = one.state.value.replace("_", " ")
        said = f"{one.title}: {one.error}" if one.error else one.title
        table.add_row(shown_moment(one.made_at), one.destination, state, one.kind.value, clean(said), style=style)
    return table


def _pings_table(pings: Sequence[Notification]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in ("pings", "last", "signal", "state", "what"):
        table.add_column(name, overflow="fold")
    for schedule, own in _by_schedule(pings).items():
        last, bad = own[0], troubled(own)
        said = f"{len(bad):,} of {count(len(own), 'ping')} could not be sent: {bad[0].error}" if bad else ""
        state = last.state.value.replace("_", " ")
        row = (schedule, shown_moment(last.made_at), last.title, state, clean(said))
        table.add_row(*row, style="yellow" if last in bad else None)
    return table


def _by_schedule(pings: Sequence[Notification]) -> dict[str, list[Notification]]:
    found: dict[str, list[Notification]] = {}
    for one in pings:
        found.setdefault(one.schedule, []).append(one)
    return found


def unsent_text(number: int) -> str:
    """Return the line about notifications that could not be sent."""
    return f"{count(number, 'notification')} could not be sent. Messages are retried for a day."


def status_json(
    causes: Sequence[OpenCause], messages: Sequence[Notification], pings: Sequence[Notification]
) -> dict[str, object]:
    """Return the open causes, the messages and the pings as a JSON object."""
    return {
        "causes": [
            {
                "cause": cause.key.id,
                "event": cause.key.event.value,
                "name": cause.name,
                "message": cause.message,
                "schedule": cause.schedule or None,
                "since": cause.first_at.isoformat(),
                "last_at": cause.last_at.isoformat(),
                "times": cause.times,
                "last_run": cause.last_run or None,
            }
            for cause in causes
        ],
        "notifications": [notification_json(notification) for notification in messages],
        "unsent": len(troubled(messages)),
        "pings": [
            {
                "schedule": schedule,
                "count": len(own),
                "unsent": len(bad),
                "last_error": bad[0].error if bad else None,
                "last": notification_json(own[0]),
            }
            for schedule, own in _by_schedule(pings).items()
            for bad in (troubled(own),)
        ],
    }


def notification_json(notification: Notification) -> dict[str, object]:
    """Return one notification as a JSON object."""
    return {
        "number": notification.number,
        "destination": notification.destination,
        "kind": notification.kind.value,
        "state": notification.state.value,
        "made_at": notification.made_at.isoformat(),
        "due_at": notification.due_at.isoformat(),
        "sent_at": notification.sent_at.isoformat() if notification.sent_at else None,
        "attempts": notification.tries,
        "error": notification.error or None,
        "run_id": notification.run_id or None,
        "schedule": notification.schedule or None,
        "causes": list(notification.causes),
        **_message(notification),
    }


def _message(notification: Notification) -> dict[str, object]:
    return {
        "title": notification.title,
        "body": notification.body,
        "level": notification.level,
        "incident": notification.incident or None,
    }


def _state(notification: Notification) -> str:
    match notification.state:
        case NotificationState.SENT if notification.sent_at is not None:
            return f"{notification.kind.value} sent at {shown_moment(notification.sent_at)}"
        case NotificationState.WAITING if notification.error:
            return f"{notification.kind.value} could not be sent, and is retried: {notification.error}"
        case NotificationState.WAITING:
            return f"{notification.kind.value} is to be sent at {shown_moment(notification.due_at)}"
        case _:
            why = f": {notification.error}" if notification.error else ""
            return f"{notification.kind.value} {notification.state.value.replace('_', ' ')}{why}"
