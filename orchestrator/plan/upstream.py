"""Walks up from what was named to all that it needs, and remembers for whom."""

from collections import deque
from collections.abc import Iterator

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.request import PlanRequest

LEAVES_NO_ROWS = frozenset({"view", "ephemeral"})


def needed_by(graph: Graph, request: PlanRequest) -> dict[NodeId, NodeId]:
    """Give what was named and all that lies above it, each with the nearest name that needs it.

    The walk ends at what a deferred manifest supplies and at what was excluded, for what lies above these reaches
    nobody in this run; only an excluded view or ephemeral model is looked through, because it holds no rows itself.
    """
    found = dict(_named(graph, request))
    waiting = deque(found)
    while waiting:
        node = waiting.popleft()
        for parent in _inputs(graph, node):
            if parent not in found and not _ends_at(graph, request, parent):
                found[parent] = found[node]
                waiting.append(parent)
    return found


def _named(graph: Graph, request: PlanRequest) -> Iterator[tuple[NodeId, NodeId]]:
    for node in graph.needs:
        if node in request.direct:
            yield node, node
    for suite, bound in graph.suites.items():
        if suite in request.suites_selected and bound.node not in request.direct:
            yield bound.node, suite


def _inputs(graph: Graph, node: NodeId) -> tuple[NodeId, ...]:
    """A unit test reads what its model reads, and not the model."""
    parents = graph.needs.parents(node)
    dbt = graph.manifest.nodes.get(node)
    if dbt is not None and dbt.resource_type is ResourceType.UNIT_TEST and parents:
        return graph.needs.parents(parents[0])
    return parents


def _ends_at(graph: Graph, request: PlanRequest, node: NodeId) -> bool:
    if node in request.deferred:
        return True
    dbt = graph.manifest.nodes.get(node)
    return node in request.excluded and not (dbt is not None and dbt.materialized in LEAVES_NO_ROWS)
