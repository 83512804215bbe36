"""Says where in the warehouse a node's relation is kept during a run."""

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, Relation


def placed(graph: Graph, node: NodeId) -> Relation | None:
    """Give the relation that a node writes or names; None when it leaves nothing in the warehouse."""
    if node in graph.manifest.sources:
        return graph.manifest.sources[node].relation
    if node in graph.ingest:
        return graph.ingest[node].relation
    if node in graph.manifest.nodes:
        return graph.manifest.nodes[node].relation
    return None


def read_by(graph: Graph, node: NodeId) -> tuple[Relation, ...]:
    """Give the relations that a node reads, also through nodes that leave nothing (ephemeral models, metrics)."""
    found: dict[Relation, None] = {}
    seen: set[NodeId] = set()
    waiting = list(graph.depends.parents(node))
    while waiting:
        parent = waiting.pop(0)
        if parent in seen:
            continue
        seen.add(parent)
        relation = placed(graph, parent)
        if relation is None:
            waiting.extend(graph.depends.parents(parent))
        else:
            found[relation] = None
    return tuple(found)
