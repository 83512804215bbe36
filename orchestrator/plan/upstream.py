"""Collects the ancestors that named nodes need."""

from collections import deque
from collections.abc import Iterator

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.request import PlanRequest

LEAVES_NO_ROWS = frozenset({"view", "ephemeral"})


def needed_by(graph: Graph, request: PlanRequest) -> dict[NodeId, NodeId]:
    """Return the named nodes and all that is upstream of them, each with the nearest named node that needs it.

    The walk stops at nodes that are deferred or excluded, because no node in this run reads what is upstream of them.
    It continues through an excluded view or ephemeral model, because that holds no rows itself.
    """
    found = dict(_named(graph, request))
    waiting = deque(found)  # breadth first, so the nearest named node becomes the reason
    while waiting:
        node = waiting.popleft()
        for parent in _inputs(graph, node):
            if parent not in found and not _ends_at(graph, request, parent):
                found[parent] = found[node]  # the named node, not the child
                waiting.append(parent)
    return found


def _named(graph: Graph, request: PlanRequest) -> Iterator[tuple[NodeId, NodeId]]:
    for node in graph.needs:
        if node in request.direct:
            yield node, node
    for suite, bound in graph.suites.items():
        if suite in request.suites_selected and bound.node not in request.direct:
            yield bound.node, suite
    if request.own_steps:
        yield from ((step, step) for step in graph.steps if step in request.steps_selected)


def _inputs(graph: Graph, node: NodeId) -> tuple[NodeId, ...]:
    """Return the parents of a node; a unit test reads the parents of its model, and not the model."""
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
