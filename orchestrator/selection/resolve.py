"""Resolves the selection of a user to sets of nodes: by dbt, or by us for `ingest:`, `expectation:`, `step:`."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.graph.build import Graph
from orchestrator.nodes.dlt import is_called, without_prefix
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.own_step import OWN_STEP
from orchestrator.selection.criterion import LOADS, OwnCriterion, own_criterion, plain_criterion, unions
from orchestrator.selection.node_selector import NodeSelector
from orchestrator.selection.select_steps import steps_below, steps_with

_CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selected nodes, as sets."""

    selected: frozenset[NodeId]
    """dbt's nodes, including tests from indirect selection."""
    direct: frozenset[NodeId]
    """Those of them that an expression names directly."""
    excluded: frozenset[NodeId]
    deferred: frozenset[NodeId]
    ingest: frozenset[NodeId] = frozenset()
    """dlt resources that an expression names."""
    suites: frozenset[NodeId] = frozenset()
    """Expectation suites that an expression names."""
    steps: frozenset[NodeId] = frozenset()
    """The steps of one's own that are selected, by name or with what they follow."""
    named: frozenset[NodeId] = frozenset()
    """Nodes of any type that an expression names directly, including dbt sources."""
    is_everything: bool = False
    """Whether the user named nothing, which means everything."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was selected."""
        return not (self.selected or self.ingest or self.suites or self.steps)


NOTHING_SELECTED = Selection(selected=frozenset(), direct=frozenset(), excluded=frozenset(), deferred=frozenset())


def resolve(
    *,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    has_selector: bool,
    selector: NodeSelector,
    graph: Graph,
) -> Selection:
    """Return the nodes that the expressions select; raises SelectionError if an expression is invalid."""
    reader = SelectionReader(selector, graph)
    ours, theirs = reader.divide(unions(select))
    ours_out, theirs_out = reader.divide(unions(exclude))
    wanted = frozenset[NodeId]().union(*map(reader.item, ours))
    ours_excluded = frozenset[NodeId]().union(*map(reader.item, ours_out))
    ours_excluded |= steps_below(theirs_out, graph, selector)
    excluded = selector.matching(theirs_out) | ours_excluded
    # With items of ours only, an empty selection of dbt would mean everything.
    asks_dbt = bool(theirs) or not ours or has_selector
    selected = selector.select(select=theirs, exclude=theirs_out) if asks_dbt else frozenset()
    direct = selector.select(select=theirs, exclude=theirs_out, direct=True) if asks_dbt else frozenset()
    named = selector.named(select=theirs, exclude=theirs_out) if asks_dbt else frozenset()
    theirs_reached = {node for node in wanted if not _is_ours(node, graph)}
    kept = selector.kept_types()
    reached = _of_types(kept, theirs_reached, graph)
    # `dbt test` keeps only tests, but the suites of the nodes that were reached belong to it too.
    named_by_ours = theirs_reached if kept is not None and kept <= _CHECKS else reached
    steps = {node for node in wanted if node in graph.steps} | steps_below(theirs, graph, selector)
    # Of the kinds that dbt has, a step is most like an exposure.
    if has_selector or (not select and (kept is None or ResourceType.EXPOSURE in kept)):
        steps |= steps_with(graph, named, excluded, whole=has_selector)
    return Selection(
        # dbt has already applied its own part of --exclude: it ignores it with a selector, and otherwise excludes
        # attached tests as well.
        selected=(selected - ours_excluded) | (reached - excluded),
        direct=(direct - ours_excluded) | (reached - excluded),
        excluded=excluded,
        deferred=selector.deferred(),
        ingest=frozenset(node for node in wanted - excluded if node in graph.ingest),
        suites=frozenset(node for node in wanted - excluded if node in graph.suites),
        steps=frozenset(steps - excluded),
        named=(named - ours_excluded) | (named_by_ours - excluded),
        is_everything=not (select or exclude or has_selector),  # dbt's default selector counts as naming nothing
    )


def _of_types(kept: frozenset[ResourceType] | None, nodes: set[NodeId], graph: Graph) -> set[NodeId]:
    """Return the nodes of the types that the options keep, as dbt does with the results of its own criteria."""
    if kept is None:
        return nodes
    known = graph.manifest.nodes
    return {node for node in nodes if (known[node].resource_type if node in known else ResourceType.SOURCE) in kept}


class SelectionReader:
    """Reads the items of a union: which parts use our methods, and what these match."""

    def __init__(self, selector: NodeSelector, graph: Graph) -> None:
        self._selector = selector
        self._graph = graph

    def divide(self, items: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the items with a part of ours, and the items that are dbt's alone."""
        everything = tuple(items)
        ours = tuple(item for item in everything if any(map(self._own, item.split(","))))
        return ours, tuple(item for item in everything if item not in ours)

    def item(self, item: str) -> frozenset[NodeId]:
        """Return the nodes that an item with a part of ours matches."""
        sets = []
        for part in item.split(","):
            criterion = self._own(part)
            # dbt evaluates one part alone, because it cannot intersect with a method that it does not have.
            sets.append(_own_part(criterion, self._graph) if criterion else self._selector.matching((part,)))
        return frozenset.intersection(*sets)

    def _own(self, part: str) -> OwnCriterion | None:
        """Return a part as ours if it has one of our methods, or is the name of a load that matches nothing in dbt."""
        criterion = own_criterion(part)
        if criterion is not None:
            return criterion
        plain = plain_criterion(part)
        loads = self._graph.ingest.values()
        if plain is None or not any(is_called(plain.value, load.names) for load in loads):
            return None
        return None if self._selector.matching((plain.value,)) else plain  # a name that dbt knows is dbt's


def _own_part(criterion: OwnCriterion, graph: Graph) -> frozenset[NodeId]:
    """Return the nodes that the value matches and those that the operators add, across dbt, dlt, suites and steps."""
    found = {node for node in _candidates(criterion, graph) if _names(criterion.value, node, graph)}
    reached = set(found)
    if criterion.up:
        reached |= graph.across.ancestors(found, depth=criterion.up_depth)
    if criterion.down:
        reached |= graph.across.descendants(found, depth=criterion.down_depth)
    if criterion.with_parents_of_children:  # `@`, as dbt defines it
        children = graph.across.descendants(found)
        reached |= children | graph.across.ancestors(children)
    return frozenset(reached)


def _candidates(criterion: OwnCriterion, graph: Graph) -> Iterable[NodeId]:
    return {LOADS: graph.ingest, OWN_STEP: graph.steps}.get(criterion.method, graph.suites)


def _names(value: str, node: NodeId, graph: Graph) -> bool:
    if node in graph.suites:
        return fnmatchcase(graph.suites[node].suite.name, value)
    if node in graph.steps:
        return fnmatchcase(graph.steps[node].name, value)
    return any(fnmatchcase(name, without_prefix(value)) for name in graph.ingest[node].names)


def _is_ours(node: NodeId, graph: Graph) -> bool:
    return node in graph.ingest or node in graph.suites or node in graph.steps
