"""Says which destinations a rule includes for which event, and why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from orchestrator.config.notification_settings import (
    DEFAULT_EVENTS,
    Destination,
    NotificationRule,
    NotificationSettings,
    NotifyEvent,
)
from orchestrator.config.settings import Settings
from orchestrator.notifications.trouble import NodeFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPolicy:
    """The settings that decide who is told."""

    settings: NotificationSettings
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The destinations of `schedules.*.notify`, by schedule."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """The time zone of each schedule."""
    incidents: frozenset[str] = frozenset()
    """The destinations that are incident services: they get one notification for each cause."""

    @property
    def destinations(self) -> Mapping[str, Destination]:
        """Return all destinations by name."""
        return self.settings.destinations

    def zone(self, destination: str, schedule: str) -> str:
        """Return the time zone of what a destination is sent."""
        found = self.destinations.get(destination)
        return (found.timezone if found is not None else None) or self.zones.get(schedule, "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The result of the rules for one destination and one event."""

    why: str = ""
    """The rule that includes it; empty if none does."""
    why_not: str = ""
    owners: tuple[str, ...] = ()
    """The owners that the rule names."""

    def __bool__(self) -> bool:
        return bool(self.why)


def policy_of(settings: Settings, incidents: frozenset[str] = frozenset()) -> NotificationPolicy:
    """Return the policy of a project."""
    schedules = settings.schedules
    return NotificationPolicy(
        settings=settings.notifications,
        added={name: schedule.notify for name, schedule in schedules.items()},
        zones={name: schedule.timezone for name, schedule in schedules.items()},
        incidents=incidents,
    )


def told(
    policy: NotificationPolicy, destination: str, event: NotifyEvent, schedule: str, nodes: Sequence[NodeFacts]
) -> Told:
    """Return whether a destination is told of an event of a run, and why, or why not.

    `nodes` are those that the event concerns. An event of the run as a whole concerns no single node, and every rule.
    """
    if destination in policy.added.get(schedule, ()) and event in DEFAULT_EVENTS:
        return Told(why=f"schedules.{schedule}.notify")
    reasons = []
    found: list[tuple[int, NotificationRule]] = []
    for number, rule in enumerate(policy.settings.rules, start=1):
        if destination not in rule.to:
            continue
        why_not = _why_not(rule, event, schedule, nodes)
        if why_not is None:
            found.append((number, rule))
        else:
            reasons.append(f"rule {number} {why_not}")
    if not found:
        return Told(why_not="; ".join(reasons) or "no rule names it")
    # A rule without owners includes everything, so what is sent is not restricted to those of the others.
    is_open = any(not rule.owners for _, rule in found)
    owners = () if is_open else tuple(dict.fromkeys(owner for _, rule in found for owner in rule.owners))
    return Told(why=", ".join(f"rule {number}" for number, _ in found), owners=owners)


def wants_recovery(policy: NotificationPolicy, destination: str, schedule: str) -> bool:
    """Return whether a destination that was told of a cause is told of its end."""
    if destination in policy.added.get(schedule, ()):
        return True
    return any(destination in rule.to and NotifyEvent.RECOVERY in rule.events for rule in policy.settings.rules)


def concerns(owners: Sequence[str], node: NodeFacts) -> bool:
    """Return whether one of the owners is an owner of a node; upper and lower case are the same."""
    own = {owner.lower() for owner in node.owners}
    return any(owner.lower() in own for owner in owners)


def matches(selection: str, node: NodeFacts) -> bool:
    """Return whether a selection of a rule names a node."""
    method, colon, value = selection.partition(":")
    if not colon:
        return _like(node.name, selection)
    match method:
        case "tag":
            return any(_like(tag, value) for tag in node.tags)
        case "path":
            return node.path == value or node.path.startswith(value.rstrip("/") + "/") or _like(node.path, value)
        case "resource_type":
            return node.resource_type == value
        case _:  # source, exposure
            return node.resource_type == method and (_like(node.name, value) or node.name.startswith(f"{value}."))


def _why_not(rule: NotificationRule, event: NotifyEvent, schedule: str, nodes: Sequence[NodeFacts]) -> str | None:
    return next(_objections(rule, event, schedule, nodes), None)


def _objections(rule: NotificationRule, event: NotifyEvent, schedule: str, nodes: Sequence[NodeFacts]) -> Iterator[str]:
    if event not in rule.events:
        yield f"does not include the event {event.value}"
    if not schedule and not rule.manual:
        yield "includes only scheduled runs; manual: true includes runs by hand"
    if rule.schedules and schedule not in rule.schedules:
        yield f"includes only the schedules {', '.join(rule.schedules)}"
    if nodes and rule.select and not any(matches(one, node) for one in rule.select for node in nodes):
        yield f"selects only {', '.join(rule.select)}"
    if nodes and rule.owners and not any(concerns(rule.owners, node) for node in nodes):
        yield f"includes only what concerns {', '.join(rule.owners)}"


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text.lower(), pattern.lower())
