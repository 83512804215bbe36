"""Defines a small immutable directed acyclic graph over hashable ids."""

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import Generic, TypeVar

from orchestrator.errors import GraphCycleError

N = TypeVar("N", bound=Hashable)


class Dag(Generic[N]):
    """Nodes and edges from parents to children. Immutable.

    The order is topological; nodes that are not ordered by edges keep the order in which they were given.
    Sets of ancestors are integers with one bit per node (at its position in that order), so that sets of thousands of
    nodes are joined and compared in about a microsecond.
    """

    def __init__(self, nodes: Iterable[N], edges: Iterable[tuple[N, N]] = ()) -> None:
        # Dicts instead of sets: they keep the order of parents, so plans and messages are the same in every process.
        given = tuple(dict.fromkeys(nodes))
        parents: dict[N, dict[N, None]] = {node: {} for node in given}
        children: dict[N, dict[N, None]] = {node: {} for node in given}
        for parent, child in edges:
            parents[child][parent] = None
            children[parent][child] = None
        self._parents: Mapping[N, tuple[N, ...]] = {node: tuple(found) for node, found in parents.items()}
        self._children: Mapping[N, tuple[N, ...]] = {node: tuple(found) for node, found in children.items()}
        self.order = _topological_order(given, self._parents)

    def __iter__(self) -> Iterator[N]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)

    def __contains__(self, node: object) -> bool:
        return node in self._parents

    def parents(self, node: N) -> tuple[N, ...]:
        """Return the nodes with an edge to this one."""
        return self._parents[node]

    def children(self, node: N) -> tuple[N, ...]:
        """Return the nodes with an edge from this one."""
        return self._children[node]

    def edges(self) -> Iterator[tuple[N, N]]:
        """Return every edge as (parent, child)."""
        return ((parent, child) for parent in self.order for child in self._children[parent])

    def ancestors(self, nodes: Iterable[N], depth: int | None = None) -> frozenset[N]:
        """Return the nodes up to `depth` edges above any of the nodes; one of these only if it is above another."""
        return _reach(nodes, self._parents.__getitem__, depth)

    def descendants(self, nodes: Iterable[N], depth: int | None = None) -> frozenset[N]:
        """Return the nodes up to `depth` edges below any of the nodes; one of these only if it is below another."""
        return _reach(nodes, self._children.__getitem__, depth)

    @cached_property
    def position(self) -> Mapping[N, int]:
        """The position of each node in the order: its bit in the sets of ancestors and descendants."""
        return {node: place for place, node in enumerate(self.order)}

    @cached_property
    def ancestor_bits(self) -> tuple[int, ...]:
        """The ancestors of each node, by position."""
        bits = [0] * len(self.order)
        for place, node in enumerate(self.order):
            for parent in self._parents[node]:
                above = self.position[parent]
                bits[place] |= bits[above] | 1 << above
        return tuple(bits)

    @cached_property
    def descendant_bits(self) -> tuple[int, ...]:
        """The descendants of each node, by position."""
        bits = [0] * len(self.order)
        for place in range(len(self.order) - 1, -1, -1):
            for child in self._children[self.order[place]]:
                below = self.position[child]
                bits[place] |= bits[below] | 1 << below
        return tuple(bits)

    def bits(self, nodes: Iterable[N]) -> int:
        """Return a set of nodes as an integer."""
        found = 0
        for node in nodes:
            found |= 1 << self.position[node]
        return found

    def first_of(self, bits: int) -> tuple[N, ...]:
        """Return the nodes of a set that have no ancestor in the set."""
        found = []
        while bits:
            place = (bits & -bits).bit_length() - 1  # the lowest bit: the first in topological order
            found.append(self.order[place])
            bits &= ~(self.descendant_bits[place] | 1 << place)
        return tuple(found)

    def contract(self, keep: Collection[N]) -> "Dag[N]":
        """Return the graph of some nodes, with an edge where a path led, unless a path of other edges replaces it."""
        kept = frozenset(keep)
        nearest = [0] * len(self.order)  # for each node, the kept ancestors that it reaches through dropped nodes only
        edges: list[tuple[N, N]] = []
        for place, node in enumerate(self.order):
            for parent in self._parents[node]:
                above = self.position[parent]
                nearest[place] |= 1 << above if parent in kept else nearest[above]
            if node in kept:
                edges.extend((parent, node) for parent in self._last_of(nearest[place]))
        return Dag((node for node in self.order if node in kept), edges)

    def _last_of(self, bits: int) -> Iterator[N]:
        """Yield the nodes of a set that have no descendant in the set."""
        while bits:
            place = bits.bit_length() - 1  # the highest bit: the last in topological order
            yield self.order[place]
            bits &= ~(self.ancestor_bits[place] | 1 << place)


def _topological_order(given: tuple[N, ...], parents: Mapping[N, tuple[N, ...]]) -> tuple[N, ...]:
    place = {node: index for index, node in enumerate(given)}
    # graphlib finds cycles, but promises no order among nodes that are ready; the heap below adds that.
    sorter = TopologicalSorter(parents)
    try:
        sorter.prepare()
    except CycleError as error:
        _, *circle = error.args[1]
        start = circle.index(min(circle, key=place.__getitem__))  # the same message, wherever the search began
        cycle = " → ".join(map(str, [*circle[start:], *circle[: start + 1]]))
        raise GraphCycleError(
            f"The nodes depend on each other in a cycle: {cycle}.",
            hint="Remove one of these references; each of these nodes waits for the one before it.",
        ) from None
    ready: list[int] = []  # a heap of positions keeps the given order among the nodes that are ready
    order: list[N] = []
    while sorter:
        for node in sorter.get_ready():
            heappush(ready, place[node])
        order.append(given[heappop(ready)])
        sorter.done(order[-1])
    return tuple(order)


def _reach(nodes: Iterable[N], beyond: Callable[[N], tuple[N, ...]], depth: int | None) -> frozenset[N]:
    found: set[N] = set()
    edge = deque((node, 0) for node in dict.fromkeys(nodes))
    while edge:
        node, steps = edge.popleft()
        if steps == depth:
            continue
        for other in beyond(node):
            if other not in found:
                found.add(other)
                edge.append((other, steps + 1))
    return frozenset(found)
