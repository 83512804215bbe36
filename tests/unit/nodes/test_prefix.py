"""A placement maps what a project declares to schemas that no other placement uses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import UsageError
from orchestrator.graph.build import Graph, build_graph
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import Relation
from orchestrator.nodes.prefix import Placement, placed_loads, require_distinct, with_moved
from orchestrator.plan.placement import place_of, written_by
from orchestrator.plan.step import StepId
from tests.graph_factories import make_dlt_source, make_graph, make_node, make_source, manifests, plan_for

NAMES = st.text("abcxyz019_", min_size=1, max_size=20)
PREFIXES = NAMES.filter(lambda name: not name.startswith("pg_"))
RELATIONS = st.builds(Relation, database=st.none() | NAMES, schema=NAMES, identifier=NAMES)


@given(PREFIXES, RELATIONS, RELATIONS)
def test_a_prefix_keeps_relations_apart_and_changes_only_their_schema(prefix, one, other):
    placement = Placement(prefix=prefix)
    moved = placement.relation(one)
    assert moved == replace(one, schema=prefix + one.schema)
    assert (moved == placement.relation(other)) == (one == other)


@given(RELATIONS)
def test_without_a_prefix_nothing_moves(relation):
    assert Placement().relation(relation) is relation
    assert Placement().place("on raw") == "on raw"


@pytest.mark.parametrize("prefix", ["PR_7_", "pr-7", "pr 7", 'p"', "pg_7", "a" * 31, "prä_"])
def test_a_prefix_that_a_database_may_refuse_is_refused_first(prefix):
    with pytest.raises(UsageError, match=r"schema prefix"):
        Placement(prefix=prefix)


def placed(manifest: Manifest, placement: Placement) -> Graph:
    """Return the graph of a manifest as dbt's is after it was moved."""
    nodes = {
        one: replace(
            node,
            schema=placement.schema(node.schema or "main"),
            placed=None if node.placed is None else placement.relation(node.placed),
        )
        for one, node in manifest.nodes.items()
    }
    return build_graph(replace(manifest, nodes=nodes), placement=placement)


@given(manifests())
def test_two_placements_share_no_place_and_write_no_relation_of_each_other(manifest):
    """So they share no record, marker or lease; sources are read in one place."""
    graphs = [placed(manifest, Placement(prefix=prefix)) for prefix in ("", "pr_1_", "pr_2_")]
    for index, graph in enumerate(graphs):
        others = graphs[:index] + graphs[index + 1 :]
        for step in plan_for(graph, *graph.manifest.nodes).steps:
            place = place_of(graph, step.id)
            assert not place or place not in {place_of(other, step.id) for other in others}, step.id
            written = {name for other in others for name in written_by(other, step, "db")}
            assert written.isdisjoint(written_by(graph, step, "db"))
        assert {one.placed for one in graph.manifest.sources.values()} == {
            one.placed for one in manifest.sources.values()
        }


def test_a_suggested_command_works_in_the_same_schemas():
    """With --ingest where the command takes it: then it reads the sources where the run reads them."""
    assert Placement().command("elt run") == "elt run"
    assert Placement(loads=True).command("elt run") == "elt run"
    assert Placement(prefix="pr_7_").command("elt test --select a") == "elt test --select a --schema-prefix pr_7_"
    loading = Placement(prefix="pr_7_", loads=True)
    assert loading.command("elt run") == "elt run --schema-prefix pr_7_ --ingest"
    assert loading.command("elt ls") == "elt ls --schema-prefix pr_7_"


def test_freshness_of_a_source_is_recorded_by_prefix():
    """A gate that a pull request closes with stricter limits stays open in production."""
    source = StepId("freshness.source.shop.raw.orders")
    graph = make_graph(make_source("orders", loaded_at=True, error=60), make_node("model.a", "source.raw.orders"))
    moved = replace(graph, placement=Placement(prefix="pr_7_"))
    assert place_of(moved, source) == f"{place_of(graph, source)} for pr_7_"


def test_loads_move_only_if_the_run_loads():
    """Then with the working folder of the user's pipeline; else the freshness of loads is that of production."""
    source = replace(make_dlt_source("bts", "orders"), dataset="raw", working_dir="/home/me/.dlt")
    graph = make_graph(make_source("orders"), make_node("model.a", "source.raw.orders"), loads=[source])
    declared = tuple(graph.ingest.values())
    assert placed_loads(Placement(prefix="x_"), [source], declared) == ((source,), declared)
    [moved], [node] = placed_loads(Placement(prefix="x_", loads=True), [source], declared)
    assert (moved.dataset, moved.working_dir, node.dataset) == ("x_raw", None, "x_raw")
    assert node.placed == Relation(database=None, schema="x_raw", identifier="orders")


def test_a_moved_source_is_read_from_the_prefixed_dataset():
    manifest = make_graph(make_source("orders"), make_source("customers")).manifest
    [orders, customers] = manifest.sources
    found = with_moved(manifest, Placement(prefix="x_"), [orders]).sources
    assert found[orders].placed.schema == "x_raw"
    assert found[orders].reading != manifest.sources[orders].reading
    assert found[customers] == manifest.sources[customers]


def of(adapter: str, *schemas: str) -> Manifest:
    """Return a manifest of models in these schemas, as they are after the move."""
    nodes = [make_node(f"model.m{number}", schema=schema) for number, schema in enumerate(schemas)]
    return replace(make_graph(make_source("orders"), *nodes).manifest, adapter_type=adapter)


def test_a_schema_that_is_too_long_for_the_database_is_refused_with_its_node():
    """PostgreSQL would cut the name, so that two schemas could become one."""
    placement, long = Placement(prefix="x_"), "x_" + "a" * 62
    require_distinct(placement, of("duckdb", long))
    with pytest.raises(UsageError, match=r"m0 \(.*at most 63 bytes"):
        require_distinct(placement, of("postgres", long))


@pytest.mark.parametrize("schemas", [("x_marts", "x_x_marts"), ("x_main", "raw")])
def test_a_prefixed_schema_with_another_use_is_refused(schemas):
    """Of a node without the prefix, or of a source."""
    placement = Placement(prefix="x_") if schemas[0] == "x_marts" else Placement(prefix="r")
    with pytest.raises(UsageError, match="also uses without a prefix"):
        require_distinct(placement, of("duckdb", *schemas))
