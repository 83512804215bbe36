"""Defines the settings of notifications: the destinations, and the rules that say who is told of what."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from types import MappingProxyType

from orchestrator.config.destination_url import AsWritten, secret_url
from orchestrator.config.mistakes import meant
from orchestrator.config.readers import as_written, duration, limit, list_of, one_of, text, truth
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.sections import SectionMistake, at, line_of_key, listed, missing, named
from orchestrator.config.value_readers import clock_time, zone

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SELECT_METHODS = ("tag", "path", "source", "exposure", "resource_type")


class NotifyEvent(StrEnum):
    """What a notification is about."""

    FAILURE = "failure"
    RECOVERY = "recovery"
    WARNING = "warning"
    LATE = "late"
    NO_DATA = "no_data"
    SUCCESS = "success"
    LOST = "lost"


DEFAULT_EVENTS = (NotifyEvent.FAILURE, NotifyEvent.RECOVERY, NotifyEvent.LATE, NotifyEvent.LOST)


def selection(value: object) -> str:
    """Return a name of a node, with `*` for any characters, or `tag:`, `path:`, `source:`, … and a value."""
    found = text(value)
    method, colon, rest = str(found).partition(":")
    if colon and (method not in SELECT_METHODS or not rest):
        raise ValueError("expected a name, or " + ", ".join(f"{one}:…" for one in SELECT_METHODS))
    return str(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom to tell of a failure that lasts."""

    after: timedelta = field(default=timedelta(hours=2), metadata=at("escalate.after", duration))
    to: tuple[str, ...] = field(default=(), metadata=at("escalate.to", list_of(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One place that notifications are sent to. Its URL is known only while something is sent."""

    name: str
    url: AsWritten | None = field(default=None, metadata=at("url", as_written(secret_url)))
    file: str | None = field(default=None, metadata=at("file", text))
    """A file that contains the URL, such as a mounted secret; relative to elt.yml."""
    reminder: timedelta | None = field(default=timedelta(hours=24), metadata=at("reminder", limit))
    """How long after a message a run that fails for the same cause is reported again; None for never."""
    digest: time | None = field(default=None, metadata=at("digest", clock_time))
    """Everything is collected and sent at this time of day."""
    timezone: str | None = field(default=None, metadata=at("timezone", zone))
    """The zone of `digest` and of the times in messages; else that of the schedule."""
    escalate: Escalation = Escalation()
    line: int = line_of_key()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRule:
    """Says which destinations are told of which events. Every condition that is set must hold."""

    to: tuple[str, ...] = field(metadata=at("to", list_of(text)))
    events: tuple[NotifyEvent, ...] = field(default=DEFAULT_EVENTS, metadata=at("events", list_of(one_of(NotifyEvent))))
    schedules: tuple[str, ...] = field(default=(), metadata=at("schedules", list_of(text)))
    """Only runs of these schedules; empty for all."""
    select: tuple[str, ...] = field(default=(), metadata=at("select", list_of(selection)))
    """Only what concerns one of these nodes; empty for all."""
    owners: tuple[str, ...] = field(default=(), metadata=at("owners", list_of(text)))
    """Only what concerns a node or an exposure of these owners; empty for all."""
    manual: bool = field(default=False, metadata=at("manual", truth))
    """Whether runs outside of schedules are included."""
    line: int = line_of_key()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """All destinations by name, and the rules in their order."""

    destinations: Mapping[str, Destination] = field(
        default_factory=lambda: MappingProxyType({}), metadata=named("notifications.destinations", Destination)
    )
    rules: tuple[NotificationRule, ...] = field(default=(), metadata=listed("notifications.rules", NotificationRule))


NO_NOTIFICATIONS = NotificationSettings()


def mistakes_of_notifications(
    told: NotificationSettings, schedules: Mapping[str, ScheduleSettings]
) -> Iterator[SectionMistake]:
    """Yield what no single key shows: names that do not exist, destinations without a URL or with two."""
    known = tuple(told.destinations)
    for destination in told.destinations.values():
        above = ("notifications", "destinations", destination.name)
        if (destination.url is None) == (destination.file is None):
            needed = f"'{'.'.join(above)}': it needs 'url' or 'file', and not both"
            yield SectionMistake(line=destination.line, text=needed, missed=missing(above, "url", "file"))
        for problem in _problems_of(destination, known):
            yield SectionMistake(line=destination.line, text=f"'{'.'.join(above)}': {problem}")
    for number, rule in enumerate(told.rules):
        where = f"'notifications.rules.{number}'"
        for problem in (*_unknown("to", rule.to, known), *_unknown("schedules", rule.schedules, tuple(schedules))):
            yield SectionMistake(line=rule.line, text=f"{where}: {problem}")
    for schedule in schedules.values():
        for problem in _unknown("notify", schedule.notify, known):
            yield SectionMistake(line=schedule.line, text=f"'schedules.{schedule.name}': {problem}")


def _problems_of(destination: Destination, known: tuple[str, ...]) -> Iterator[str]:
    if _NAME.fullmatch(destination.name) is None:
        yield "a name has letters, digits, '-', '_' and '.', and begins with a letter or a digit"
    yield from _unknown("escalate.to", destination.escalate.to, known)
    if destination.name in destination.escalate.to:
        yield "'escalate.to' names the destination itself"


def _unknown(key: str, names: tuple[str, ...], known: tuple[str, ...]) -> Iterator[str]:
    what = "schedule" if key == "schedules" else "destination"
    for name in names:
        if name not in known:
            hint = meant(name, known) if known else f"; there is no {what} in elt.yml"
            yield f"'{key}' names '{name}', which is not a {what}{hint}"
