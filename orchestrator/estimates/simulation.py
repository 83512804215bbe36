"""Simulates a run by the rules of the scheduler, with given durations: which step starts when, and when it ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.routes import ROUTES, Route, route_of
from orchestrator.execution.waits import waits_of
from orchestrator.plan.plan import Plan

_LANES = tuple(Lane)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """What the order of a run depends on, apart from durations. Each step is identified by its position in the plan."""

    freed_by: Sequence[Sequence[int]]
    inputs: Sequence[int]
    ranks: Sequence[int]
    """The order in which ready steps start."""
    by_rank: Sequence[int]
    """The step of each rank."""
    lanes: Sequence[int]
    slots: Sequence[int]
    """Of each lane: the number of steps that may run at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The state of a run that is in progress."""

    ended: frozenset[int] = frozenset()
    running: Sequence[int] = ()
    waiting: Mapping[int, float] | None = None
    """The steps that wait to be repeated, with the seconds until then."""


NOT_BEGUN = Begun()


def shape_of(plan: Plan, limits: Limits, routes: Sequence[Route] = ROUTES) -> RunShape:
    """Return what the order of a plan's run depends on."""
    waits = waits_of(plan, {})
    by_rank = sorted(range(len(plan.steps)), key=lambda at: (-waits.remaining[at], at))
    ranks = [0] * len(by_rank)
    for rank, at in enumerate(by_rank):
        ranks[at] = rank
    return RunShape(
        freed_by=waits.freed_by,
        inputs=waits.inputs,
        ranks=ranks,
        by_rank=by_rank,
        lanes=[_LANES.index(route_of(step, routes).lane) for step in plan.steps],
        slots=[limits.of(lane) for lane in _LANES],
    )


def simulated(shape: RunShape, seconds: Sequence[float], begun: Begun = NOT_BEGUN) -> list[float]:
    """Return when each step ends, in seconds from now; 0 for one that has ended.

    `seconds` is what each step takes from now on: of a running one, what remains. All steps succeed.
    """
    ends = [0.0] * len(seconds)
    left = list(shape.inputs)
    for at in begun.ended:
        for child in shape.freed_by[at]:
            left[child] -= 1
    waiting = begun.waiting or {}
    free = list(shape.slots)
    ready: list[list[int]] = [[] for _ in free]
    events: list[tuple[float, int]] = []  # the end of a step; for a negative one, the end of its wait
    for at in begun.running:
        free[shape.lanes[at]] -= 1
        events.append((seconds[at], at))
    events += [(until, -1 - at) for at, until in waiting.items()]
    heapify(events)
    begun_steps = begun.ended.union(begun.running, waiting)
    for at, count in enumerate(left):
        if count == 0 and at not in begun_steps:
            heappush(ready[shape.lanes[at]], shape.ranks[at])
    lanes, ranks, by_rank, freed_by = shape.lanes, shape.ranks, shape.by_rank, shape.freed_by
    changed: Iterable[int] = range(len(free))
    now = 0.0
    while True:
        for lane in changed:
            own = ready[lane]
            while own and free[lane] > 0:
                at = by_rank[heappop(own)]
                free[lane] -= 1
                heappush(events, (now + seconds[at], at))
        if not events:
            return ends
        now, at = heappop(events)
        if at < 0:
            at = -1 - at
            heappush(ready[lanes[at]], ranks[at])
            changed = (lanes[at],)
            continue
        ends[at] = now
        free[lanes[at]] += 1
        lanes_changed = {lanes[at]}
        for child in freed_by[at]:
            left[child] -= 1
            if left[child] == 0 and child not in begun_steps:
                heappush(ready[lanes[child]], ranks[child])
                lanes_changed.add(lanes[child])
        changed = lanes_changed
