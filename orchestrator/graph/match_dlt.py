"""Finds which dbt sources the dlt resources write: by schema and table name."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.nodes.dbt import DbtSource, Manifest
from orchestrator.nodes.dlt import DltResource, DltSource, IngestNode, resource_id, source_id
from orchestrator.nodes.identity import NodeId, Relation

BOOKKEEPING = "_dlt_"
"""Tables of dlt's own, written by every load into the dataset."""
NESTED = "__"
"""dlt names the table of a nested list `parent__list`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedSources:
    """dlt resources as nodes, the dbt sources each feeds, and what found no match."""

    nodes: tuple[IngestNode, ...]
    feeds: tuple[tuple[NodeId, NodeId], ...]
    """Edges from a dlt resource to a dbt source."""
    notes: tuple[str, ...]


def match_sources(
    sources: Sequence[DltSource], manifest: Manifest, schemas: Mapping[str, str] | None = None
) -> MatchedSources:
    """Match by schema and table; `schemas` says into which schema a bare dlt source of that name loads."""
    told = schemas or {}
    dbt_sources = tuple(manifest.sources.values())
    nodes: list[IngestNode] = []
    notes = [f"elt.yml names the dlt source {name}, which no module defines" for name in told.keys() - _names(sources)]
    for source in sources:
        dataset, remark = _dataset(source, dbt_sources, told)
        nodes += _nodes(source, dataset)
        notes += [remark] if remark else []
    feeds = _feeds(nodes, dbt_sources)
    fed, feeding = {target for _, target in feeds}, {node for node, _ in feeds}
    notes += [_feeds_nothing(node) for node in nodes if node.unique_id not in feeding]
    loaded = {node.dataset.lower() for node in nodes}
    notes += [
        f"dbt source {s.source_name}.{s.name} is in schema {s.relation.schema}, which dlt loads, "
        f"but no dlt resource writes {s.relation}"
        for s in dbt_sources
        if s.relation.schema.lower() in loaded and s.unique_id not in fed
    ]
    return MatchedSources(nodes=tuple(nodes), feeds=tuple(feeds), notes=tuple(notes))


def _names(sources: Sequence[DltSource]) -> set[str]:
    return {source.name for source in sources}


def _dataset(source: DltSource, dbt_sources: Collection[DbtSource], told: Mapping[str, str]) -> tuple[str, str]:
    """Say which schema the source loads into, with a remark when the answer may surprise."""
    if source.dataset is not None:
        ignored = told.get(source.name, source.dataset) != source.dataset
        remark = f"{source.module}: its dlt pipeline {source.pipeline} loads into {source.dataset}, not as elt.yml says"
        return source.dataset, remark if ignored else ""
    if source.name in told:
        return told[source.name], ""
    named = Counter(s.relation.schema for s in dbt_sources if s.source_name.lower() == source.name.lower())
    if not named:
        return source.name, ""
    chosen = named.most_common(1)[0][0]
    others = sorted(set(named) - {chosen})
    remark = (
        f"dbt source {source.name} has tables in {', '.join([chosen, *others])}; the dlt source loads into {chosen}"
    )
    return chosen, remark if others else ""


def _nodes(source: DltSource, dataset: str) -> list[IngestNode]:
    resources: Sequence[DltResource | None] = source.resources or (None,)
    return [_node(source, resource, dataset) for resource in resources]


def _node(source: DltSource, resource: DltResource | None, dataset: str) -> IngestNode:
    table = resource.table if resource else None
    return IngestNode(
        unique_id=resource_id(source.name, resource.name) if resource else source_id(source.name),
        source=source.name,
        resource=resource.name if resource else None,
        pipeline=source.pipeline,
        dataset=dataset,
        relation=Relation(database=None, schema=dataset, identifier=table) if table else None,
        path=source.module,
    )


def _feeds(nodes: Sequence[IngestNode], dbt_sources: Collection[DbtSource]) -> list[tuple[NodeId, NodeId]]:
    return [
        (node.unique_id, target.unique_id)
        for target in dbt_sources
        for node in _writers(target.relation, [n for n in nodes if n.dataset.lower() == target.relation.schema.lower()])
    ]


def _writers(relation: Relation, neighbours: Sequence[IngestNode]) -> list[IngestNode]:
    """Give the nodes, of those that load into the relation's schema, that write it."""
    table = relation.identifier.lower()
    if table.startswith(BOOKKEEPING):
        return list(neighbours)
    named = [(node, node.relation.identifier.lower()) for node in neighbours if node.relation is not None]
    owners = {name for _, name in named if table == name or table.startswith(name + NESTED)}
    if owners:
        nearest = max(owners, key=len)
        return [node for node, name in named if name == nearest]
    return [node for node in neighbours if node.relation is None]


def _feeds_nothing(node: IngestNode) -> str:
    if node.resource is None:
        return f"no dbt source is in {node.dataset}, the schema that the dlt source {node.source} loads into"
    written = node.relation or f"tables of {node.dataset} that it names row by row"
    return f"dlt resource {node.source}.{node.resource} loads {written}, which no dbt source names"
