"""Asks dbt's own linker what order it gives to a manifest: the oracle for ours."""

from collections import defaultdict
from types import SimpleNamespace

import networkx as nx
from dbt.compilation import Linker
from dbt.node_types import NodeType

from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId

ELSEWHERE = {
    "exposure": "exposures",
    "metric": "metrics",
    "semantic_model": "semantic_models",
    "saved_query": "saved_queries",
    "function": "functions",
    "unit_test": "unit_tests",
}


def dbt_graph(manifest: Manifest) -> nx.DiGraph:
    """Link a manifest of ours with dbt's linker, as `dbt build` does."""
    return linked(_as_dbt_holds_it(manifest))


def linked(dbt_manifest: object) -> nx.DiGraph:
    """Link what dbt parsed, with the edges from tests."""
    linker = Linker()
    linker.link_graph(dbt_manifest)
    linker.add_test_edges_1(dbt_manifest)
    return linker.graph


def skipped_by_dbt(
    graph: nx.DiGraph, manifest: Manifest, selected: frozenset[NodeId], failing: set[NodeId]
) -> set[NodeId]:
    """Say what `dbt build` would skip or see fail: a unit test stops its model, its model's end all that descends."""
    stopped: set[NodeId] = set()
    for node in nx.topological_sort(graph):
        if node not in selected or node.startswith("unit_test."):
            continue
        above = nx.ancestors(graph, node) & selected
        skipped = not stopped.isdisjoint(above)
        for test in sorted(
            child for child in graph.successors(node) if child in selected and child.startswith("unit_")
        ):
            skipped = skipped or test in failing
            stopped.update({test} if skipped else ())
        if skipped or node in failing:
            stopped.add(node)
    return stopped


def _as_dbt_holds_it(manifest: Manifest) -> SimpleNamespace:
    sections: dict[str, dict[NodeId, SimpleNamespace]] = {
        name: {} for name in ("nodes", "sources", *ELSEWHERE.values())
    }
    child_map = defaultdict(list)
    for source in manifest.sources:
        sections["sources"][source] = SimpleNamespace(unique_id=source)
    for node in manifest.nodes.values():
        sections[ELSEWHERE.get(node.resource_type, "nodes")][node.unique_id] = SimpleNamespace(
            unique_id=node.unique_id,
            resource_type=NodeType(node.resource_type.value),
            depends_on_nodes=list(node.parents),
        )
        for parent in node.parents:
            child_map[parent].append(node.unique_id)
    return SimpleNamespace(child_map=child_map, **sections)
