"""Finds the deadlines of a run, and decides whether it is late, before the deadline itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestrator.config.repeat_settings import wish_in_meta
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.estimates.forecast import Forecast, Remaining
from orchestrator.estimates.robust import share_above
from orchestrator.estimates.run_progress import RunProgress
from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import titled_step
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, Step, StepId
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_clock, shown_moment
from orchestrator.timetable.time_of_day import first_after

CERTAINTY = 0.96
"""How probable it must be that a run misses its deadline."""
SOON = 10.0
"""Seconds before the deadline from which one evaluation is enough: there is no time for a second one."""
_UNKNOWN = Remaining(seconds=(0.0,))
_IN_A_ROW = 2
"""In how many evaluations in a row: a single step that ends later than usual does not make a run late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A time by which a run, or what an exposure needs of it, must be done."""

    name: str
    """`schedule nightly`, or `exposure weekly_report`."""
    at: datetime
    """In the zone of the deadline."""
    steps: frozenset[StepId] | None = None
    """What must have ended; None for the whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """A run is expected to miss a deadline."""

    deadline: Deadline
    at: datetime
    """When that became known."""
    expected_end: datetime
    """In the zone of the deadline; the moment at which it became known, if earlier runs show nothing."""
    slowest: tuple[Step, ...] = ()
    """The slowest steps that have not ended."""


def deadlines_of(
    plan: Plan, graph: Graph, schedules: Mapping[str, ScheduleSettings], scheduled: ScheduledTime | None, now: datetime
) -> tuple[Deadline, ...]:
    """Return the deadlines of a run: that of its schedule, and those of the exposures that it feeds."""
    schedule = None if scheduled is None else schedules.get(scheduled.schedule)
    since = now if scheduled is None else scheduled.logical_time
    own = []
    if schedule is not None and (at := schedule.deadline_of(since)) is not None:
        own.append(Deadline(name=f"schedule {schedule.name}", at=at))
    usual = "UTC" if schedule is None else schedule.timezone
    return (*own, *_of_nodes(plan, graph, since, usual))


def cannot_be_in_time(estimate: Estimate | None, deadline: datetime, now: datetime) -> bool:
    """Return whether a run that starts now would miss a deadline, even if it were unusually short."""
    return now >= deadline or (estimate is not None and now + timedelta(seconds=estimate.low) > deadline)


def latest_start(estimate: Estimate, deadline: datetime) -> datetime:
    """Return when a run must have started to meet a deadline in nine of ten cases."""
    return deadline - timedelta(seconds=estimate.high)


def _of_nodes(plan: Plan, graph: Graph, since: datetime, usual_zone: str) -> Iterator[Deadline]:
    """Yield the deadlines in `meta.elt` of exposures and other nodes, for what they need of this run."""
    nodes: dict[StepId, tuple[NodeId, ...]] = {step.id: _nodes(step) for step in plan.steps}
    for node in graph.manifest.nodes.values():
        wish = wish_in_meta(node.meta) if "elt" in node.meta else None
        if wish is None or wish.deadline is None:
            continue
        needed = graph.needs.ancestors([node.unique_id]) | {node.unique_id}
        steps = frozenset(step for step, own in nodes.items() if not needed.isdisjoint(own))
        if steps:
            at = first_after(since, wish.deadline, wish.timezone or usual_zone)
            yield Deadline(name=_title(node), at=at, steps=steps)


def _nodes(step: Step) -> tuple[NodeId, ...]:
    """Return the nodes that a step makes, or whose rows it admits."""
    match step:
        case BuildStep() | FreshnessStep():
            return (step.node,)
        case IngestStep():
            return step.nodes
        case _:
            return ()


def _title(node: DbtNode) -> str:
    return f"{node.resource_type.value.replace('_', ' ')} {node.name}"


@dataclass(slots=True)
class LateWatch:
    """Decides for each deadline of a run, at most once, that the run is late."""

    deadlines: Sequence[Deadline]
    _hits: dict[int, int] = field(default_factory=dict)
    _decided: set[int] = field(default_factory=set)

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to decide."""
        return len(self._decided) == len(self.deadlines)

    def next_deadline(self) -> datetime | None:
        """Return the next deadline that is not decided yet."""
        return min((one.at for at, one in enumerate(self.deadlines) if at not in self._decided), default=None)

    def decide(self, forecast: Forecast | None, state: RunProgress, now: datetime) -> tuple[Lateness, ...]:
        """Return the deadlines that the run is now known to miss; without a forecast, those that it has missed."""
        left = [(at, one) for at, one in enumerate(self.deadlines) if at not in self._decided]
        goals = [one.steps for _, one in left]
        remaining = [_UNKNOWN] * len(left) if forecast is None else forecast.remaining(state, now, goals)
        found = []
        for (at, deadline), rest in zip(left, remaining, strict=True):
            if deadline.steps is not None and deadline.steps <= state.ended.keys():
                self._decided.add(at)  # done in time
            elif self._is_late(at, deadline, rest, now):
                self._decided.add(at)
                ends = max(now + timedelta(seconds=rest.expected), deadline.at.astimezone(UTC))
                slowest = () if forecast is None else forecast.slowest(state, deadline.steps)
                expected = ends.astimezone(deadline.at.tzinfo)
                found.append(Lateness(deadline=deadline, at=now, expected_end=expected, slowest=slowest))
        return tuple(found)

    def _is_late(self, at: int, deadline: Deadline, rest: Remaining, now: datetime) -> bool:
        left = (deadline.at - now).total_seconds()
        if left <= 0 or rest is _UNKNOWN:
            return left <= 0
        is_hit = share_above(rest.seconds, left) >= CERTAINTY
        self._hits[at] = self._hits.get(at, 0) + 1 if is_hit else 0
        return self._hits[at] >= (1 if left <= SOON else _IN_A_ROW)


def late_words(late: Lateness) -> str:
    """Return the warning for a run that is late."""
    deadline = late.deadline
    words = f"deadline {shown_clock(deadline.at, deadline.at.tzinfo)}"
    if late.at >= deadline.at:
        words += ", which has passed"
    if late.expected_end > late.at:
        words = f"expected {_clock(late.expected_end, deadline.at)}, {words}"
    slowest = ", ".join(titled_step(step) for step in late.slowest)
    return f"late: {deadline.name}: {words}" + (f"; slowest remaining: {slowest}" if slowest else "")


def _clock(moment: datetime, deadline: datetime) -> str:
    shown = shown_clock if moment.date() == deadline.date() else shown_moment
    return shown(moment, moment.tzinfo)
