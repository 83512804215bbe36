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


@dataclass(slots=True)
class _Progress:
    """How far a simulated run is."""

    left: list[int]
    """For each step, the number of steps that it still waits for."""
    free: list[int]
    """The free slots of each lane."""
    ready: list[list[int]]
    """For each lane, the ranks of the steps that can start: a heap."""
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
    left, free, ready, events = progress.left, progress.free, progress.ready, progress.events
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
            freed: Iterable[int] = (-1 - at,)
        else:
            ends[at] = now
            free[lanes[at]] += 1
            freed = _freed(freed_by[at], left, progress.begun)
        changed = {lanes[at] if at >= 0 else lanes[-1 - at]}
        for child in freed:
            heappush(ready[lanes[child]], ranks[child])
            changed.add(lanes[child])


def _freed(children: Sequence[int], left: list[int], begun: frozenset[int]) -> list[int]:
    """Count one step less for each child, and return those that can start now."""
    freed = []
    for child in children:
        left[child] -= 1
        if left[child] == 0 and child not in begun:
            freed.append(child)
    return freed


def _progress(shape: RunShape, seconds: Sequence[float], begun: Begun) -> _Progress:
    left, free = list(shape.inputs), list(shape.slots)
    for at in begun.ended:
        for child in shape.freed_by[at]:
            left[child] -= 1
    events = [(until, -1 - at) for at, until in (begun.waiting or {}).items()]
    for at in begun.running:
        free[shape.lanes[at]] -= 1
        events.append((seconds[at], at))
    heapify(events)
    is_begun = begun.ended.union(begun.running, begun.waiting or ())
    ready: list[list[int]] = [[] for _ in free]
    for at, count in enumerate(left):
        if count == 0 and at not in is_begun:
            heappush(ready[shape.lanes[at]], shape.ranks[at])
    return _Progress(left=left, free=free, ready=ready, events=events, begun=is_begun)
