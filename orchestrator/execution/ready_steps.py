"""Keeps the steps that can start, and decides which of them starts next: the limits of lanes and pools, and urgency."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import heappop, heappush

from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.routes import Route, route_of
from orchestrator.execution.waits import Urgency, Waits
from orchestrator.plan.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyBatch:
    """Steps that one executor gets in one call. Each step is identified by its position in the plan."""

    urgency: Urgency
    """That of the most urgent one."""
    executor: str
    steps: tuple[int, ...]


@dataclass(slots=True)
class _Queue:
    """The ready steps of one executor that are in the same pool, or in none: a heap, the most urgent first."""

    route: Route
    pool: str | None
    heap: list[Urgency]


class ReadySteps:
    """The steps of a run that can start, and the free slots of its lanes and pools."""

    def __init__(self, steps: Sequence[Step], limits: Limits, routes: Sequence[Route], waits: Waits) -> None:
        """Create it without a ready step.

        Raises:
            ValueError: no route takes one of the steps, or its pool has no limit.
        """
        self._urgency = waits.urgency
        self._free = {lane: limits.of(lane) for lane in Lane}
        self._free_in_pool = dict(limits.pools)
        self._queues: dict[tuple[str, str | None], _Queue] = {}
        self._queue_of = [self._queue(step, route_of(step, routes)) for step in steps]
        # In the order of the routes, which decides between steps of equal urgency.
        order = {route.executor: at for at, route in enumerate(routes)}
        queues = sorted(self._queues.values(), key=lambda queue: order[queue.route.executor])
        self._of_lane = {lane: [queue for queue in queues if queue.route.lane is lane] for lane in Lane}

    def _queue(self, step: Step, route: Route) -> _Queue:
        if step.pool is not None and step.pool not in self._free_in_pool:
            raise ValueError(f"the step {step.id} is in the pool {step.pool}, which has no limit")
        return self._queues.setdefault((route.executor, step.pool), _Queue(route, step.pool, []))

    @property
    def executors(self) -> AbstractSet[str]:
        """The names of the executors that the steps need."""
        return {executor for executor, _ in self._queues}

    def add(self, at: int) -> None:
        """Let a step start as soon as a slot is free for it."""
        heappush(self._queue_of[at].heap, self._urgency[at])

    def leave(self, at: int, *, is_last: bool) -> None:
        """Free the slot that a step had in its pool, and after the last step of a batch also that of the lane."""
        queue = self._queue_of[at]
        if queue.pool is not None:
            self._free_in_pool[queue.pool] += 1
        if is_last:
            self._free[queue.route.lane] += 1

    def take(self, waiting: set[int]) -> list[ReadyBatch]:
        """Return what starts now, the most urgent first; take its slots, and remove it from `waiting`.

        Ready steps that are not in `waiting` any more are dropped: they were skipped or cancelled.
        """
        # Lanes are served one by one; sorting restores one order of urgency over all of them.
        started = [batch for lane in Lane for batch in self._take_in(lane, waiting)]
        return sorted(started, key=lambda batch: batch.urgency)

    def _take_in(self, lane: Lane, waiting: set[int]) -> Iterator[ReadyBatch]:
        while self._free[lane] > 0 and (queue := self._next_queue(lane, waiting)) is not None:
            keys = list[Urgency]()
            while len(keys) < queue.route.batch_size and self._is_free(queue) and _has_ready(queue, waiting):
                keys.append(heappop(queue.heap))
                waiting.remove(keys[-1].position)
                if queue.pool is not None:
                    self._free_in_pool[queue.pool] -= 1
            self._free[lane] -= 1
            yield ReadyBatch(urgency=keys[0], executor=queue.route.executor, steps=tuple(key.position for key in keys))

    def _next_queue(self, lane: Lane, waiting: AbstractSet[int]) -> _Queue | None:
        """Return the queue with the lane's most urgent step whose pool has a free slot; None if there is none."""
        open_queues: Iterable[_Queue] = (
            queue for queue in self._of_lane[lane] if self._is_free(queue) and _has_ready(queue, waiting)
        )
        return min(open_queues, key=lambda queue: queue.heap[0], default=None)

    def _is_free(self, queue: _Queue) -> bool:
        return queue.pool is None or self._free_in_pool[queue.pool] > 0


def _has_ready(queue: _Queue, waiting: AbstractSet[int]) -> bool:
    while queue.heap and queue.heap[0].position not in waiting:
        heappop(queue.heap)
    return bool(queue.heap)
