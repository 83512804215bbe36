"""Finds the dbt sources that dlt resources write, by schema and table name."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.nodes.dbt_nodes import DbtSource, Manifest
from orchestrator.nodes.dlt import (
    DltResource,
    DltSource,
    IngestNode,
    is_called,
    load_name,
    names_of_load,
    resource_id,
    source_id,
)
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.wording import some_of

BOOKKEEPING = "_dlt_"
"""The prefix of dlt's own tables, which every load writes into the dataset."""
NESTED = "__"
"""dlt names the table of a nested list `parent__list`."""
_MOST_NAMED = 3
"""How many tables that feed nothing a note lists by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedSources:
    """dlt resources as nodes, the dbt sources that each feeds, and notes on what found no match."""

    nodes: tuple[IngestNode, ...]
    feeds: tuple[tuple[NodeId, NodeId], ...]
    """Edges from a dlt resource to a dbt source."""
    notes: tuple[str, ...]


def match_sources(
    sources: Sequence[DltSource], manifest: Manifest, schemas: Mapping[str, str] | None = None
) -> MatchedSources:
    """Match by schema and table; `schemas` has the schema of each dlt source without a pipeline of its own, by name."""
    named = {word: _source_called(word, sources) for word in schemas or ()}
    datasets = {source.name: schemas[word] for word, source in named.items() if source is not None} if schemas else {}
    dbt_sources = tuple(manifest.sources.values())
    nodes: list[IngestNode] = []
    notes = [
        f"elt.yml: ingestion.schemas names {word}, and no ingestion module defines a dlt source of that name"
        for word, source in named.items()
        if source is None
    ]
    for source in sources:
        dataset, remark = _dataset(source, dbt_sources, datasets)
        nodes += _nodes(source, dataset)
        notes += [remark] if remark else []
    feeds = _feeds(nodes, dbt_sources)
    fed, feeding = {target for _, target in feeds}, {node for node, _ in feeds}
    unfed = [source for source in dbt_sources if source.unique_id not in fed]
    for source in sources:
        own = [node for node in nodes if node.source == source.name]
        idle = [node for node in own if node.unique_id not in feeding]
        remedy = _remedy(source, idle, unfed) if idle == own else f"add it to a dbt source in schema {own[0].dataset}"
        notes += [f"{_feeds_nothing(source, idle)}; {remedy}"] if idle else []
    loaders = {node.dataset.lower(): load_name(node.source) for node in reversed(nodes)}  # the first one wins
    notes += [
        f"dbt source {s.source_name}.{s.name} is in schema {s.placed.schema}, which {loader} loads, but no dlt "
        f"resource writes {s.placed}; if one does, its table has another name: set `identifier`"
        for s in unfed
        if (loader := loaders.get(s.placed.schema.lower())) is not None
    ]
    return MatchedSources(nodes=tuple(nodes), feeds=tuple(feeds), notes=tuple(notes))


def _source_called(word: str, sources: Sequence[DltSource]) -> DltSource | None:
    names = {source.name: names_of_load(source.name, source.pipeline, ()) for source in sources}
    return next((source for source in sources if is_called(word, names[source.name])), None)


def _dataset(source: DltSource, dbt_sources: Collection[DbtSource], datasets: Mapping[str, str]) -> tuple[str, str]:
    """Return the schema that the source loads into, with a note if that may be unexpected."""
    if source.dataset is not None:
        # A pipeline of the user keeps its dataset: dlt stores the state of incremental loads there.
        ignored = datasets.get(source.name, source.dataset) != source.dataset
        remark = f"{source.module}: its dlt pipeline {source.pipeline} loads into {source.dataset}, not as elt.yml says"
        return source.dataset, remark if ignored else ""
    if source.name in datasets:
        return datasets[source.name], ""
    named = Counter(s.placed.schema for s in dbt_sources if s.source_name.lower() == source.name.lower())
    if not named:
        return source.name, ""
    chosen = named.most_common(1)[0][0]  # of equally many, the first in the manifest
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
        placed=Relation(database=None, schema=dataset, identifier=table) if table else None,
        path=source.module,
    )


def _feeds(nodes: Sequence[IngestNode], dbt_sources: Collection[DbtSource]) -> list[tuple[NodeId, NodeId]]:
    return [
        (node.unique_id, target.unique_id)
        for target in dbt_sources
        for node in _writers(target.placed, [n for n in nodes if n.dataset.lower() == target.placed.schema.lower()])
    ]


def _writers(relation: Relation, neighbours: Sequence[IngestNode]) -> list[IngestNode]:
    """Return those of `neighbours` that write the relation; all of them load into its schema."""
    table = relation.identifier.lower()
    if table.startswith(BOOKKEEPING):  # every load into the dataset writes these
        return list(neighbours)
    named = [(node, node.placed.identifier.lower()) for node in neighbours if node.placed is not None]
    owners = {name for _, name in named if table == name or table.startswith(name + NESTED)}
    if owners:
        # The longest name wins: `orders__items` may be a table of its own, and not nested in `orders`.
        nearest = max(owners, key=len)
        return [node for node, name in named if name == nearest]
    return [node for node in neighbours if node.placed is None]  # their tables are known only when they load


def _feeds_nothing(source: DltSource, idle: Sequence[IngestNode]) -> str:
    """Describe what a load writes without a dbt source that refers to it."""
    shown = load_name(source.name)
    named = [str(node.placed) for node in idle if node.placed is not None]
    if not named:
        return f"{shown} loads into the schema {idle[0].dataset}, and no dbt source is there that it could feed"
    return f"{shown} loads {some_of(named, _MOST_NAMED)}, and no dbt source names {'them' if len(named) > 1 else 'it'}"


def _remedy(source: DltSource, idle: Sequence[IngestNode], unfed: Sequence[DbtSource]) -> str:
    """Describe what to change so that a load that feeds nothing loads into the schema of a dbt source."""
    tables = {node.placed.identifier.lower() for node in idle if node.placed is not None}
    wanted = next((one for one in unfed if one.placed.identifier.lower() in tables), None)
    schema = "SCHEMA" if wanted is None else wanted.placed.schema
    where = "the schema of a dbt source" if wanted is None else f"{schema}, where dbt source {wanted.source_name} is"
    if source.dataset is not None:
        return f"to load into {where}, set dataset_name={schema!r} in the dlt.pipeline() of {source.module}"
    return f"to load into {where}, write under `ingestion:` in elt.yml: schemas: {{{source.name}: {schema}}}"
