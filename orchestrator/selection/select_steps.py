"""Decides which steps of one's own a selection contains, where it does not name them with `step:`.

Without a selection they run with what they follow. A selection reaches them as it reaches an exposure: through `fct+`
or `@fct`. A selector of dbt contains them if it contains everything that they follow.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId
from orchestrator.selection.criterion import dbt_criterion
from orchestrator.selection.node_selector import NodeSelector


def steps_below(items: Iterable[str], graph: Graph, selector: NodeSelector) -> frozenset[NodeId]:
    """Return the steps that dbt's items of a selection reach with their operators."""
    if not graph.steps:
        return frozenset()
    found = (
        frozenset.intersection(*(_below(part, graph, selector) for part in item.split(","))) for item in items if item
    )
    return frozenset[NodeId]().union(*found)


def _below(part: str, graph: Graph, selector: NodeSelector) -> frozenset[NodeId]:
    criterion = dbt_criterion(part)
    if criterion is None or not (criterion.down or criterion.with_parents_of_children):
        return frozenset()
    depth = criterion.down_depth if criterion.down else None
    below = graph.across.descendants(selector.matching((criterion.value,)), depth=depth)
    if criterion.with_parents_of_children:
        below |= graph.across.ancestors(below)
    return frozenset(node for node in below if node in graph.steps)


def steps_with(graph: Graph, named: AbstractSet[NodeId], excluded: AbstractSet[NodeId], *, whole: bool) -> set[NodeId]:
    """Return the steps that run because of what they follow, if the selection names none of them.

    `named` are dbt's selected nodes of any type. With `whole`, everything that a step follows must be selected;
    otherwise a part of it is enough.
    """
    found: set[NodeId] = set()
    if not graph.steps:
        return found
    for step in (node for node in graph.across if node in graph.steps):  # in order: a step may follow another
        follows = graph.steps[step].follows
        there = list(_are_there(follows, graph, named, excluded, found))
        if there and step not in excluded and (all(there) if whole else any(there)):
            found.add(step)
    return found


def _are_there(
    follows: Iterable[NodeId],
    graph: Graph,
    named: AbstractSet[NodeId],
    excluded: AbstractSet[NodeId],
    steps: AbstractSet[NodeId],
) -> Iterator[bool]:
    for node in follows:
        if node in graph.steps:
            # A step that only fills a source is not selected, it is added when the source is read.
            yield node in steps or (node not in excluded and not graph.steps[node].follows)
        else:
            yield node in named if node in graph.depends else node not in excluded
