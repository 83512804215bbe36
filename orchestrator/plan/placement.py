"""Determines where steps work in the warehouse: the relations they write, and the places by which they are recorded."""

from collections.abc import Iterable
from hashlib import sha256

from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.dlt import IngestNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.step import BuildStep, IngestStep, OwnStep, Step, StepId, TestStep

_EXACT = frozenset({"postgres"})
"""Adapters whose databases compare names by case, as dbt quotes them; for others, case is ignored."""
_LONGEST = 400  # characters; longer places are shortened to fit a key


def placed(graph: Graph, node: NodeId) -> Relation | None:
    """Return the relation that a node writes or refers to; None if it leaves nothing in the warehouse."""
    if node in graph.manifest.sources:
        return graph.manifest.sources[node].placed
    if node in graph.ingest:
        return graph.ingest[node].placed
    if node in graph.manifest.nodes:
        return graph.manifest.nodes[node].placed
    return None


def read_by(graph: Graph, node: NodeId) -> tuple[Relation, ...]:
    """Return the relations that a node reads, also through nodes without a relation (ephemeral models, metrics)."""
    found: dict[Relation, None] = {}
    seen: set[NodeId] = set()
    waiting = list(graph.steps[node].follows if node in graph.steps else graph.depends.parents(node))
    while waiting:
        parent = waiting.pop(0)
        if parent in seen:
            continue
        seen.add(parent)
        relation = placed(graph, parent)
        if relation is None:
            waiting.extend(graph.depends.parents(parent) if parent in graph.depends else ())
        else:
            found[relation] = None
    return tuple(found)


def place_of(graph: Graph, one: StepId | NodeId) -> str:
    """Return the place of a step or node; together with the target it identifies the records of the step.

    For a node with a relation, it is the full name of the relation. For a step without a relation of its own (a test, a
    suite, a freshness check, a load, hooks) it is `on` and where it works, so that two schemas in one database never
    share a record. It is empty for a step or node that is not in the graph.
    """
    node = graph.manifest.nodes.get(NodeId(one))
    if node is not None:
        return _place_of_node(graph, node)
    return graph.placement.place(_place_beside(graph, one))  # these have no relation that carries the prefix


def _place_beside(graph: Graph, one: StepId | NodeId) -> str:
    """Return where a step works that is not the step of a dbt node."""
    if one in graph.suites:
        relation = placed(graph, graph.suites[NodeId(one)].node)
        return "" if relation is None else f"on {full_name(graph, relation)}"
    if one in graph.steps:
        own = graph.steps[NodeId(one)]
        filled = [graph.manifest.sources[source].placed for source in own.feeds]
        near = [
            _schema_name(graph, relation.database, relation.schema)
            for relation in (*read_by(graph, own.unique_id), *filled)
        ]
        return _on(near) or "on nothing"
    source = graph.manifest.sources.get(NodeId(one.removeprefix("freshness.")))
    if source is not None:
        return f"{'on ' if one.startswith('freshness.') else ''}{full_name(graph, source.placed)}"
    if one.startswith("ingest."):
        loads = graph.ingest.values()
        return _on(load.dataset for load in loads if one in (load.unique_id, *load_step_ids(load)))
    if one.startswith("hook."):
        hooks = (hook for hook in graph.manifest.nodes.values() if hook.resource_type is ResourceType.OPERATION)
        return _on(_schema_name(graph, hook.database, hook.schema) for hook in hooks)
    return ""


def places_of(graph: Graph, several: Iterable[StepId] | Iterable[NodeId]) -> dict[StepId, str]:
    """Return the place of each of these steps or nodes."""
    return {StepId(one): place_of(graph, one) for one in several}


def written_by(graph: Graph, step: Step, database: str) -> tuple[str, ...]:
    """Return the full names of what a step writes: relations, and `dataset …` for a load.

    `database` is that of the target. What hooks write is unknown, and so is what a materialization writes besides its
    relation.
    """
    match step:
        case BuildStep() | TestStep():
            node = graph.manifest.nodes.get(step.node)
            return () if node is None or node.placed is None else (_place_of_node(graph, node),)
        case IngestStep():
            # The whole dataset: two pipelines that start in it together collide while dlt creates its own tables.
            dataset = f"dataset {_schema_name(graph, database, step.dataset)}"
            tables = (placed(graph, node) for node in step.nodes)
            return (dataset, *(full_name(graph, table, database) for table in tables if table is not None))
        case OwnStep():
            return tuple(full_name(graph, table, database) for table in step.writes)
        case _:
            return ()


def full_name(graph: Graph, relation: Relation, database: str = "") -> str:
    """Return `database.schema.identifier` without quotes, in lower case if the database ignores case."""
    name = f"{relation.schema}.{relation.identifier}"
    within = relation.database or database
    return _folded(graph, f"{within}.{name}" if within else name)


def _place_of_node(graph: Graph, node: DbtNode) -> str:
    if node.placed is not None:
        name = full_name(graph, node.placed)
        return (
            f"function {name}" if node.resource_type is ResourceType.FUNCTION else name
        )  # a table may have the same name
    tested = node.parents[0] if node.resource_type is ResourceType.UNIT_TEST and node.parents else None
    reads = read_by(graph, tested or node.unique_id)
    # Its own schema is not enough: a project may configure it without the developer's part. The relations are too much:
    # a failed test that is edited to read another relation is still the same test.
    schemas = [_schema_name(graph, relation.database, relation.schema) for relation in reads]
    return _on([_schema_name(graph, node.database, node.schema), *schemas])


def load_step_ids(load: IngestNode) -> tuple[StepId, StepId]:
    """Return the two ids that the step of a load can have: alone in its pipeline, and together with other loads."""
    return StepId(f"ingest.{load.pipeline}"), StepId(f"ingest.{load.pipeline}.{load.source}")


def _schema_name(graph: Graph, database: str | None, schema: str) -> str:
    return _folded(graph, f"{database}.{schema}" if database and schema else schema)


def _folded(graph: Graph, name: str) -> str:
    return name if graph.manifest.adapter_type in _EXACT else name.lower()


def _on(places: Iterable[str]) -> str:
    """Return the place of a step that works at these places; the end of a text too long for a key becomes a digest."""
    text = ", ".join(sorted({place for place in places if place}))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… {sha256(text.encode()).hexdigest()[:16]}"
    return f"on {text}" if text else ""


def relations_of(graph: Graph, nodes: Iterable[str]) -> dict[StepId, Relation]:
    """Return the relations that nodes are built as, by step; nodes without a relation are omitted."""
    known = graph.manifest.nodes
    relations = {StepId(one): known[NodeId(one)].placed for one in nodes if NodeId(one) in known}
    return {step: relation for step, relation in relations.items() if relation is not None}
