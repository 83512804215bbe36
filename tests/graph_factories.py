"""Makes small manifests, graphs and plans for tests, and random ones for properties."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from orchestrator.graph.build import Graph, build_graph, with_steps
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.dlt import DltResource, DltSource, IngestNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.own_step import CommandCall, OwnNode
from orchestrator.nodes.suite import BoundSuite, Suite
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest
from orchestrator.plan.step import StepId

STORED = {ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION}


def node_id(short: str) -> NodeId:
    """Turn `model.a` into `model.shop.a`, and leave `ingest.x.y` and `expectation.s` or `step.s` alone."""
    kind, _, name = short.partition(".")
    return NodeId(short) if kind in {"ingest", "expectation", "step"} else NodeId(f"{kind}.shop.{name}")


def ids(*shorts: str) -> frozenset[NodeId]:
    return frozenset(node_id(short) for short in shorts)


def make_node(short: str, *parents: str, table: str | None = None, **fields) -> DbtNode:
    """Make `model.a`, `test.t`, `seed.s`, …; `table` names what it writes as `schema.table`."""
    kind, _, name = short.partition(".")
    schema, _, identifier = (table or f"main.{name}").partition(".")
    stored = ResourceType(kind) in STORED and fields.get("materialized") != "ephemeral"
    return DbtNode(
        unique_id=node_id(short),
        name=name,
        resource_type=ResourceType(kind),
        package="shop",
        path=f"models/{name}.sql",
        parents=tuple(node_id(parent) for parent in parents),
        placed=Relation(database="db", schema=schema, identifier=identifier) if stored else None,
        **fields,
    )


def make_source(
    name: str, *, loaded_at: bool = False, warn: float | None = None, error: float | None = None
) -> DbtSource:
    """Make the dbt source `raw.<name>` over the table of that name."""
    return DbtSource(
        unique_id=NodeId(f"source.shop.raw.{name}"),
        name=name,
        source_name="raw",
        package="shop",
        path="models/sources.yml",
        placed=Relation(database="db", schema="raw", identifier=name),
        has_freshness=warn is not None or error is not None,
        has_loaded_at=loaded_at,
        warn_after_seconds=warn,
        error_after_seconds=error,
    )


def make_manifest(*parts: DbtNode | DbtSource) -> Manifest:
    return Manifest(
        project_name="shop",
        adapter_type="duckdb",
        dbt_version="1.11.0",
        nodes={part.unique_id: part for part in parts if isinstance(part, DbtNode)},
        sources={part.unique_id: part for part in parts if isinstance(part, DbtSource)},
    )


def make_suite(name: str, on: str) -> BoundSuite:
    suite = Suite(unique_id=node_id(f"expectation.{name}"), name=name, path=f"expectations/{name}.json", expectations=1)
    return BoundSuite(suite=suite, node=node_id(on))


def make_own(name: str, *follows: str, feeds: Sequence[str] = (), **fields) -> OwnNode:
    """Make a step of elt.yml that follows nodes, or fills dbt sources of `raw`."""
    return OwnNode(
        unique_id=NodeId(f"step.{name}"),
        name=name,
        call=CommandCall(words=("true",)),
        follows=tuple(node_id(one) for one in follows),
        feeds=tuple(NodeId(f"source.shop.raw.{one}") for one in feeds),
        path="elt.yml",
        line=1,
        **fields,
    )


def make_dlt_source(name: str, *resources: str, pipeline: str | None = None) -> DltSource:
    return DltSource(
        name=name,
        module=f"ingestion/{name}.py",
        attribute=name,
        pipeline=pipeline or f"load_{name}",
        dataset=None,
        working_dir=None,
        resources=tuple(DltResource(name=one, table=one, write_disposition="append") for one in resources),
    )


def make_graph(
    *parts: DbtNode | DbtSource,
    loads: Sequence[DltSource] = (),
    suites: Sequence[BoundSuite] = (),
    steps: Sequence[OwnNode] = (),
) -> Graph:
    """Make a graph in which each resource of `loads` feeds the dbt source of its name, if there is one."""
    manifest = make_manifest(*parts)
    nodes = [_ingest_node(source, resource.name) for source in loads for resource in source.resources]
    feeds = [(node.unique_id, NodeId(f"source.shop.raw.{node.resource}")) for node in nodes]
    graph = build_graph(
        manifest,
        ingest=nodes,
        feeds=[edge for edge in feeds if edge[1] in manifest.sources],
        dlt_sources=loads,
        suites=suites,
    )
    return with_steps(graph, steps) if steps else graph


def _ingest_node(source: DltSource, resource: str) -> IngestNode:
    return IngestNode(
        unique_id=NodeId(f"ingest.{source.name}.{resource}"),
        source=source.name,
        resource=resource,
        pipeline=source.pipeline,
        dataset="raw",
        placed=Relation(database=None, schema="raw", identifier=resource),
        path=source.module,
    )


class LastSuccess:
    """Facts of a warehouse in which the named tables stand."""

    def __init__(self, *tables: str) -> None:
        self.tables = {tuple(table.split(".")) for table in tables}

    def exists(self, relation: Relation) -> bool | None:
        return relation.key() in self.tables


class Unread(LastSuccess):
    """Facts of a warehouse that cannot be read now."""

    def exists(self, relation: Relation) -> bool | None:
        del relation
        return None


def plan_for(graph: Graph, *direct: str, also: Iterable[str] = (), facts: LastSuccess | None = None, **options) -> Plan:
    """Plan what is named, and what came `also` by indirect selection."""
    named = ids(*direct)
    request = PlanRequest(selected=named | ids(*also), direct=named, **options)
    return make_plan(graph, request, facts or LastSuccess())


def everything(graph: Graph) -> PlanRequest:
    """Ask for all that dbt builds."""
    all_nodes = frozenset(graph.manifest.nodes)
    return PlanRequest(selected=all_nodes, direct=all_nodes)


def halted_by(plan: Plan, failing: Iterable[str]) -> frozenset[StepId]:
    """Give every step that does not run when these fail."""
    stopped = set(failing)
    for step in plan.steps:
        if not stopped.isdisjoint(step.parents):
            stopped.add(step.id)
    return frozenset(stopped) - frozenset(StepId(one) for one in failing)


BUILDABLE = ("model", "model", "model", "seed", "snapshot", "function", "analysis", "operation")
LEAVES = ("exposure", "metric", "semantic_model", "saved_query")


@st.composite
def manifests(draw: st.DrawFn, max_nodes: int = 14, *, with_unit_tests: bool = True) -> Manifest:
    """Draw a manifest: sources, nodes that read earlier ones, tests with none to three parents, in any order."""
    sources = [make_source(f"s{index}") for index in range(draw(st.integers(0, 3)))]
    readable = [f"source.raw.{source.name}" for source in sources]
    nodes: list[DbtNode] = []
    for index in range(draw(st.integers(1, max_nodes))):
        kind = draw(st.sampled_from((*BUILDABLE, *LEAVES)))
        parents = draw(st.lists(st.sampled_from(readable), max_size=3, unique=True)) if readable else []
        ephemeral = {"materialized": "ephemeral"} if kind == "model" and draw(st.booleans()) else {}
        nodes.append(make_node(f"{kind}.n{index}", *([] if kind == "seed" else parents), **ephemeral))
        if kind not in {"exposure", "saved_query", "analysis", "operation"}:
            readable.append(f"{kind}.n{index}")
    nodes += _draw_tests(draw, readable)
    if with_unit_tests:
        nodes += _draw_unit_tests(draw, [node for node in nodes if node.resource_type is ResourceType.MODEL])
    return make_manifest(*sources, *draw(st.permutations(nodes)))


def _draw_tests(draw: st.DrawFn, readable: Sequence[str]) -> list[DbtNode]:
    testable = [one for one in readable if one.partition(".")[0] not in {"function", "metric", "semantic_model"}]
    parents = st.lists(st.sampled_from(testable), max_size=3, unique=True) if testable else st.just([])
    return [make_node(f"test.t{index}", *draw(parents)) for index in range(draw(st.integers(0, 8)))]


def _draw_unit_tests(draw: st.DrawFn, models: Sequence[DbtNode]) -> list[DbtNode]:
    tested = draw(st.lists(st.sampled_from(models), max_size=4)) if models else []
    return [make_node(f"unit_test.{model.name}_u{index}", f"model.{model.name}") for index, model in enumerate(tested)]
