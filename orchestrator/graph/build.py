"""Joins manifest, dlt resources and expectation suites into one graph."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.graph.dag import Dag
from orchestrator.graph.edges import (
    Edge,
    dbt_edges,
    gate_edges,
    own_gate_edges,
    own_step_edges,
    producer_edges,
    suite_edges,
    unit_test_edges,
)
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.dlt import DltSource, IngestNode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.own_step import OwnNode
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.suite import BoundSuite

_DECLARED = Placement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All nodes, and four views of their order."""

    manifest: Manifest
    ingest: Mapping[NodeId, IngestNode]
    dlt_sources: Mapping[str, DltSource]
    """By the name of the dlt source, as in `IngestNode.source`."""
    suites: Mapping[NodeId, BoundSuite]
    depends: Dag[NodeId]
    """dbt's own edges: the meaning of `+`, `n+` and `@`."""
    across: Dag[NodeId]
    """dbt's edges, dlt resource → dbt source, and node → suite: the meaning of the same operators with `ingest:` and
    `expectation:`.
    """
    needs: Dag[NodeId]
    """dbt's edges, and from each writer of the table of a dbt source (dlt resource, seed, model, snapshot) to that
    source: what must exist first.
    """
    order: Dag[NodeId]
    """All edges that order steps: `needs`, and edges from tests, unit tests and suites to what waits for them."""
    notes: tuple[str, ...] = ()
    placement: Placement = _DECLARED
    """Where the run works; the relations of all nodes above are already those that it uses."""
    steps: Mapping[NodeId, OwnNode] = field(default_factory=dict)
    """The steps of one's own; they are in all views but `depends`."""


def build_graph(
    manifest: Manifest,
    *,
    ingest: Sequence[IngestNode] = (),
    feeds: Iterable[Edge] = (),
    dlt_sources: Sequence[DltSource] = (),
    suites: Sequence[BoundSuite] = (),
    notes: Iterable[str] = (),
    placement: Placement = _DECLARED,
) -> Graph:
    """Return the graph; `feeds` are edges from dlt resources to dbt sources. Raises GraphCycleError."""
    dbt_ids = [*manifest.sources, *manifest.nodes]
    suite_ids = [bound.suite.unique_id for bound in suites]
    ingest_ids = [node.unique_id for node in ingest]
    fed = tuple(feeds)
    depends = Dag(dbt_ids, dbt_edges(manifest))
    # Such edges are in `needs` and not in `depends`: they order steps, but must not change what `+` selects.
    produced, dropped = producer_edges(manifest, depends)
    needs = _wider(depends, [*ingest_ids, *dbt_ids], [*fed, *produced])
    bound_edges = [(bound.node, bound.suite.unique_id) for bound in suites]
    return Graph(
        manifest=manifest,
        ingest={node.unique_id: node for node in ingest},
        dlt_sources={source.name: source for source in dlt_sources},
        suites={bound.suite.unique_id: bound for bound in suites},
        depends=depends,
        # A graph of its own: dbt does not know loads and suites, so its own `+` never reaches them.
        across=_wider(depends, [*ingest_ids, *dbt_ids, *suite_ids], [*fed, *bound_edges]),
        needs=needs,
        order=_order(manifest, needs, suites),
        notes=(*notes, *dropped),
        placement=placement,
    )


def with_steps(graph: Graph, steps: Sequence[OwnNode]) -> Graph:
    """Return the graph with steps of one's own, which follow nodes or fill dbt sources; raises GraphCycleError."""
    by_id = {step.unique_id: step for step in steps}
    edges = tuple(own_step_edges(steps))
    within = [edge for edge in edges if edge[0] in graph.needs or edge[0] in by_id]  # a suite is not in `needs`
    needs = _wider(graph.needs, [*graph.needs, *by_id], within)
    suites = tuple(graph.suites.values())
    order = _order(graph.manifest, needs, suites, tuple(steps))
    return replace(
        graph,
        across=_wider(graph.across, [*graph.across, *by_id], edges),
        needs=needs,
        order=Dag(order, [*order.edges(), *edges]),
        steps=by_id,
    )


def _wider(depends: Dag[NodeId], nodes: Sequence[NodeId], more: Sequence[Edge]) -> Dag[NodeId]:
    """Return dbt's graph with nodes and edges added; the same graph if there are none to add."""
    return Dag(nodes, [*depends.edges(), *more]) if more or len(nodes) > len(depends) else depends


def _order(
    manifest: Manifest, needs: Dag[NodeId], suites: Sequence[BoundSuite], steps: Sequence[OwnNode] = ()
) -> Dag[NodeId]:
    """Return what is needed with the gates in between, and without dbt's edges from models to their unit tests."""
    unit_tests = {node.unique_id for node in manifest.nodes.values() if node.resource_type is ResourceType.UNIT_TEST}
    # dbt's edge model → unit test is reversed here: a unit test runs before its model.
    edges = [edge for edge in needs.edges() if edge[1] not in unit_tests]
    edges += gate_edges(manifest, needs, suites, [step.unique_id for step in steps])
    edges += own_gate_edges(manifest, needs, suites, steps)
    edges += suite_edges(needs, suites)
    parents: dict[NodeId, list[NodeId]] = defaultdict(list)
    for parent, child in edges:
        parents[child].append(parent)
    return Dag(_beside_their_parents(manifest, needs, suites), [*edges, *unit_test_edges(manifest, parents)])


def _beside_their_parents(manifest: Manifest, needs: Dag[NodeId], suites: Sequence[BoundSuite]) -> Iterator[NodeId]:
    """Yield every node with its checks next to it, so that a plan is easy to read."""
    before: dict[NodeId, list[NodeId]] = defaultdict(list)
    after: dict[NodeId, list[NodeId]] = defaultdict(list)
    for node in manifest.nodes.values():
        if not node.parents:
            continue
        if node.resource_type is ResourceType.UNIT_TEST:
            before[node.parents[0]].append(node.unique_id)
        elif node.resource_type is ResourceType.TEST:
            after[max(node.parents, key=needs.position.__getitem__)].append(node.unique_id)  # behind the last of them
    for bound in suites:
        after[bound.node].append(bound.suite.unique_id)
    placed = {check for checks in (*before.values(), *after.values()) for check in checks}
    for node_id in needs:
        if node_id not in placed:
            yield from (*before[node_id], node_id, *after[node_id])
