"""Joins manifest, dlt resources and expectation suites to one graph."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.graph.dag import Dag
from orchestrator.graph.edges import Edge, dbt_edges, gate_edges, producer_edges, suite_edges, unit_test_edges
from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.dlt import DltSource, IngestNode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.suite import BoundSuite


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All nodes, and the four readings of what comes before what."""

    manifest: Manifest
    ingest: Mapping[NodeId, IngestNode]
    dlt_sources: Mapping[str, DltSource]
    """By the name of the dlt source, as `IngestNode.source` has it."""
    suites: Mapping[NodeId, BoundSuite]
    depends: Dag[NodeId]
    """dbt's own edges: what `+`, `n+` and `@` mean."""
    across: Dag[NodeId]
    """dbt's edges, dlt resource → dbt source, node → suite: what the same operators mean with `ingest:` and
    `expectation:`."""
    needs: Dag[NodeId]
    """dbt's edges, and from whatever writes the table of a dbt source (dlt resource, seed, model, snapshot) to that
    source: what must be there first."""
    order: Dag[NodeId]
    """Everything that orders steps: needs, and the edges of tests, unit tests and suites to what waits for them."""
    notes: tuple[str, ...] = ()


def build_graph(
    manifest: Manifest,
    *,
    ingest: Sequence[IngestNode] = (),
    feeds: Iterable[Edge] = (),
    dlt_sources: Sequence[DltSource] = (),
    suites: Sequence[BoundSuite] = (),
    notes: Iterable[str] = (),
) -> Graph:
    """Build the graph; `feeds` are edges from dlt resources to dbt sources. Raises GraphCycleError."""
    dbt_ids = [*manifest.sources, *manifest.nodes]
    suite_ids = [bound.suite.unique_id for bound in suites]
    ingest_ids = [node.unique_id for node in ingest]
    fed = tuple(feeds)
    depends = Dag(dbt_ids, dbt_edges(manifest))
    produced, dropped = producer_edges(manifest, depends)
    needs = _wider(depends, [*ingest_ids, *dbt_ids], [*fed, *produced])
    bound_edges = [(bound.node, bound.suite.unique_id) for bound in suites]
    return Graph(
        manifest=manifest,
        ingest={node.unique_id: node for node in ingest},
        dlt_sources={source.name: source for source in dlt_sources},
        suites={bound.suite.unique_id: bound for bound in suites},
        depends=depends,
        across=_wider(depends, [*ingest_ids, *dbt_ids, *suite_ids], [*fed, *bound_edges]),
        needs=needs,
        order=_order(manifest, needs, suites),
        notes=(*notes, *dropped),
    )


def _wider(depends: Dag[NodeId], nodes: Sequence[NodeId], more: Sequence[Edge]) -> Dag[NodeId]:
    """Add nodes and edges to dbt's own; the same graph when there are none to add."""
    return Dag(nodes, [*depends.edges(), *more]) if more or len(nodes) > len(depends) else depends


def _order(manifest: Manifest, needs: Dag[NodeId], suites: Sequence[BoundSuite]) -> Dag[NodeId]:
    """Add to what is needed the gates that stand between, and leave out what unit tests have behind them in dbt."""
    unit_tests = {node.unique_id for node in manifest.nodes.values() if node.resource_type is ResourceType.UNIT_TEST}
    edges = [edge for edge in needs.edges() if edge[1] not in unit_tests]
    edges += gate_edges(manifest, needs, suites)
    edges += suite_edges(needs, suites)
    parents: dict[NodeId, list[NodeId]] = defaultdict(list)
    for parent, child in edges:
        parents[child].append(parent)
    return Dag(_beside_their_parents(manifest, needs, suites), [*edges, *unit_test_edges(manifest, parents)])


def _beside_their_parents(manifest: Manifest, needs: Dag[NodeId], suites: Sequence[BoundSuite]) -> Iterator[NodeId]:
    """List every node with its checks around it, so that a plan reads as a person would write it."""
    before: dict[NodeId, list[NodeId]] = defaultdict(list)
    after: dict[NodeId, list[NodeId]] = defaultdict(list)
    for node in manifest.nodes.values():
        if not node.parents:
            continue
        if node.resource_type is ResourceType.UNIT_TEST:
            before[node.parents[0]].append(node.unique_id)
        elif node.resource_type is ResourceType.TEST:
            after[max(node.parents, key=needs.position.__getitem__)].append(node.unique_id)
    for bound in suites:
        after[bound.node].append(bound.suite.unique_id)
    placed = {check for checks in (*before.values(), *after.values()) for check in checks}
    for node_id in needs:
        if node_id not in placed:
            yield from (*before[node_id], node_id, *after[node_id])
