"""Defines what a run has to tell: its troubles, grouped by root cause, and what they make out of date."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.nodes.identity import NodeId
from orchestrator.notifications.happening import Happening
from orchestrator.plan.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseKey:
    """Identifies a root cause: the same step, at the same place of the same target, is the same cause in every run."""

    target: str
    """The identity of the target; empty for a cause that is not a step."""
    place: str
    """The relation; for a cause that is not a step, the schedule."""
    step: str
    event: NotifyEvent

    @property
    def id(self) -> str:
        """Return a short id that never changes: incident services find an incident again by it."""
        parts = [self.target, self.place, self.step, self.event.value]
        return sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What rules ask about a node."""

    id: NodeId
    name: str
    resource_type: str
    path: str = ""
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One root cause in one run."""

    key: CauseKey
    word: str
    """The status: `fail`, `error`, `warn`, …"""
    name: str
    """The step with its kind: `load billing_api`."""
    step_name: str = ""
    """The name of the step alone, for commands; empty for a cause that is not a step."""
    message: str = ""
    failing: str = ""
    """What did not pass: `12 rows`, `2 expectations`."""
    path: str = ""
    halted: tuple[str, ...] = ()
    """The steps that did not run because of it."""
    exposures: tuple[NodeFacts, ...] = ()
    """The exposures that are out of date because of it."""
    concerned: tuple[NodeFacts, ...] = ()
    """The nodes of the step, of what it halted, and the exposures."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Return the owners of all nodes that it concerns, those of its own node first."""
        return tuple(dict.fromkeys(owner for node in self.concerned for owner in node.owners))


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltRows:
    """What a successful run says about one table."""

    name: str
    rows: int | None
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is to be told of one happening."""

    happening: Happening
    project: str
    run_id: str | None = None
    target: str = ""
    """The name in profiles.yml."""
    target_identity: str = ""
    status: Status | None = None
    took: timedelta | None = None
    counts: Mapping[Status, int] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    ended: Mapping[tuple[str, str, str], NotifyEvent | None] = field(default_factory=dict)
    """Target, place and step of everything that has a result of its own in the run, with the trouble that it has."""
    is_green: bool = False
    built: tuple[BuiltRows, ...] = ()
    nodes: tuple[NodeFacts, ...] = ()
    """Of a green run: all its nodes."""
    commands: tuple[tuple[str, str], ...] = ()
    """The commands that show more or repair, with what each does."""

    @property
    def schedule(self) -> str:
        """Return the schedule; empty for a run outside of schedules."""
        return self.happening.schedule

    @property
    def at(self) -> datetime:
        """Return when it happened."""
        return self.happening.at
