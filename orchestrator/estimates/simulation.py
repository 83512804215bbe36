"""Simulates a run by the rules of the scheduler, with given durations: which step starts when, and when it ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from types import MappingProxyType

from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.routes import ROUTES, Route, route_of
from orchestrator.execution.waits import waits_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId

_LANES = tuple(Lane)
_UNKNOWN = MappingProxyType[StepId, float]({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """What the order of a run depends on, apart from durations. Each step is identified by its position in the plan."""

    freed_by: Sequence[Sequence[int]]
    inputs: Sequence[int]
    ranks: Sequence[int]
    """The order in which ready steps start."""
    by_rank: Sequence[int]
    """The step of each rank."""
    queues: Sequence[int]
    """Of each step: the queue in which it waits for a slot. The steps of a lane that share a pool share a queue."""
    lane_of: Sequence[int]
    """Of each queue: its lane."""
    pool_of: Sequence[int]
    """Of each queue: its pool, or the one that has a slot for every step."""
    of_lane: Sequence[Sequence[int]]
    """Of each lane: its queues."""
    lanes_of_pool: Sequence[Sequence[int]]
    """Of each pool: the lanes in which steps wait for it; none of the one that has a slot for every step."""
    slots: Sequence[int]
    """Of each lane: the number of steps that may run at once."""
    pool_slots: Sequence[int]
    """The same of each pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The state of a run that is in progress."""

    ended: frozenset[int] = frozenset()
    running: Sequence[int] = ()
    waiting: Mapping[int, float] | None = None
    """The steps that wait to be repeated, with the seconds until then."""


NOT_BEGUN = Begun()


def shape_of(
    plan: Plan, limits: Limits, seconds: Mapping[StepId, float] = _UNKNOWN, routes: Sequence[Route] = ROUTES
) -> RunShape:
    """Return what the order of a plan's run depends on; `seconds` is what the scheduler expects the steps to take."""
    waits = waits_of(plan, seconds)
    by_rank = [urgency.position for urgency in sorted(waits.urgency)]
    ranks = [0] * len(by_rank)
    for rank, at in enumerate(by_rank):
        ranks[at] = rank
    pools = [None, *sorted({step.pool for step in plan.steps if step.pool is not None})]
    places = [(_LANES.index(route_of(step, routes).lane), pools.index(step.pool)) for step in plan.steps]
    queues = sorted({*places, *((lane, 0) for lane in range(len(_LANES)))})
    number = {place: at for at, place in enumerate(queues)}
    return RunShape(
        freed_by=waits.freed_by,
        inputs=waits.inputs,
        ranks=ranks,
        by_rank=by_rank,
        queues=[number[place] for place in places],
        lane_of=[lane for lane, _ in queues],
        pool_of=[pool for _, pool in queues],
        of_lane=[[number[place] for place in queues if place[0] == lane] for lane in range(len(_LANES))],
        lanes_of_pool=[[lane for lane, pool in queues if pool == at and pool] for at in range(len(pools))],
        slots=[limits.of(lane) for lane in _LANES],
        pool_slots=[len(plan.steps) if name is None else limits.pools[name] for name in pools],
    )


@dataclass(slots=True)
class _Progress:
    """How far a simulated run is."""

    left: list[int]
    """For each step, the number of steps that it still waits for."""
    free: list[int]
    """The free slots of each lane."""
    free_in: list[int]
    """The free slots of each pool."""
    ready: list[list[int]]
    """For each queue, the ranks of the steps that can start: a heap."""
    events: list[tuple[float, int]]
    """The next ends of steps; with a negative number, the ends of their waits: a heap."""
    begun: frozenset[int]
    """The steps that need not be started when what they wait for has ended."""


def simulated(shape: RunShape, seconds: Sequence[float], begun: Begun = NOT_BEGUN) -> list[float]:
    """Return when each step ends, in seconds from now; 0 for one that has ended.

    `seconds` is what each step takes from now on: of a running one, what remains. All steps succeed.
    """
    ends = [0.0] * len(seconds)
    progress = _progress(shape, seconds, begun)
    left, free, free_in, events = progress.left, progress.free, progress.free_in, progress.events
    queues, lane_of, pool_of, freed_by = shape.queues, shape.lane_of, shape.pool_of, shape.freed_by
    changed: Iterable[int] = range(len(free))
    now = 0.0
    while True:
        for lane in changed:
            while free[lane] > 0 and (at := _next(shape, progress, lane)) is not None:
                free[lane] -= 1
                free_in[pool_of[queues[at]]] -= 1
                heappush(events, (now + seconds[at], at))
        if not events:
            return ends
        now, at = heappop(events)
        if at < 0:
            freed: Iterable[int] = (-1 - at,)
            changed = set()
        else:
            ends[at] = now
            queue = queues[at]
            free[lane_of[queue]] += 1
            free_in[pool_of[queue]] += 1
            freed = _freed(freed_by[at], left, progress.begun)
            changed = {lane_of[queue], *shape.lanes_of_pool[pool_of[queue]]}
        for child in freed:
            heappush(progress.ready[queues[child]], shape.ranks[child])
            changed.add(lane_of[queues[child]])


def _next(shape: RunShape, progress: _Progress, lane: int) -> int | None:
    """Remove and return the most urgent step of a lane that can start; None if there is none."""
    ready, own = progress.ready, shape.of_lane[lane]
    if len(own) > 1:  # with pools
        own = [queue for queue in own if ready[queue] and progress.free_in[shape.pool_of[queue]] > 0]
        own = [min(own, key=lambda queue: ready[queue][0])] if own else ()
    return shape.by_rank[heappop(ready[own[0]])] if own and ready[own[0]] else None


def _freed(children: Sequence[int], left: list[int], begun: frozenset[int]) -> list[int]:
    """Count one step less for each child, and return those that can start now."""
    freed = []
    for child in children:
        left[child] -= 1
        if left[child] == 0 and child not in begun:
            freed.append(child)
    return freed


def _progress(shape: RunShape, seconds: Sequence[float], begun: Begun) -> _Progress:
    left, free, free_in = list(shape.inputs), list(shape.slots), list(shape.pool_slots)
    for at in begun.ended:
        for child in shape.freed_by[at]:
            left[child] -= 1
    events = [(until, -1 - at) for at, until in (begun.waiting or {}).items()]
    for at in begun.running:
        free[shape.lane_of[shape.queues[at]]] -= 1
        free_in[shape.pool_of[shape.queues[at]]] -= 1
        events.append((seconds[at], at))
    heapify(events)
    is_begun = begun.ended.union(begun.running, begun.waiting or ())
    ready: list[list[int]] = [[] for _ in shape.lane_of]
    for at, count in enumerate(left):
        if count == 0 and at not in is_begun:
            heappush(ready[shape.queues[at]], shape.ranks[at])
    return _Progress(left=left, free=free, free_in=free_in, ready=ready, events=events, begun=is_begun)
