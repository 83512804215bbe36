"""The graph: which gate holds back what, who writes a source, and what each reading of the graph holds."""

import pytest

from orchestrator.errors import GraphCycleError
from tests.graph_factories import ids, make_dlt_source, make_graph, make_node, make_source, make_suite, node_id


def parents(graph, short: str) -> set[str]:
    return set(graph.order.parents(node_id(short)))


def test_the_child_of_a_tested_node_waits_for_its_test():
    """a → t, a → b, t → b."""
    graph = make_graph(make_node("model.a"), make_node("model.b", "model.a"), make_node("test.t", "model.a"))
    assert parents(graph, "model.b") == ids("model.a", "test.t")


def test_test_with_several_parents_gates_the_nodes_that_descend_from_all_of_them():
    """b over a does not wait for the test of a and c; d over both does."""
    graph = make_graph(
        make_node("model.a"),
        make_node("model.c"),
        make_node("model.b", "model.a"),
        make_node("model.d", "model.b", "model.c"),
        make_node("test.t", "model.a", "model.c"),
    )
    assert parents(graph, "model.b") == ids("model.a")
    assert node_id("test.t") in parents(graph, "model.d")


@pytest.mark.parametrize("kind", ["exposure", "metric", "saved_query", "semantic_model", "function"])
def test_nodes_that_dbt_does_not_gate_wait_for_no_test(kind):
    """A test stands before models, seeds, snapshots, analyses and hooks only."""
    graph = make_graph(make_node("model.a"), make_node(f"{kind}.x", "model.a"), make_node("test.t", "model.a"))
    assert parents(graph, f"{kind}.x") == ids("model.a")


def test_test_is_not_lost_when_a_node_in_between_does_not_wait():
    """a → function f → b: b waits for the test of a, although f does not."""
    graph = make_graph(
        make_node("model.a"),
        make_node("function.f", "model.a"),
        make_node("model.b", "function.f"),
        make_node("test.t", "model.a"),
    )
    assert node_id("test.t") in parents(graph, "model.b")


def test_suite_gates_like_a_test_with_one_parent():
    """The children of a judged node, a dbt source too, wait for its suite."""
    graph = make_graph(
        make_source("s"),
        make_node("model.a", "source.raw.s"),
        make_node("exposure.e", "model.a"),
        suites=[make_suite("raw_s", "source.raw.s"), make_suite("a_ok", "model.a")],
    )
    assert parents(graph, "model.a") == ids("source.raw.s", "expectation.raw_s")
    assert parents(graph, "exposure.e") == ids("model.a")


def test_unit_tests_run_one_after_another_before_their_model():
    """They wait for all that the model waits for, the tests of its parents too."""
    graph = make_graph(
        make_node("model.a"),
        make_node("test.t", "model.a"),
        make_node("model.m", "model.a"),
        make_node("unit_test.m2", "model.m"),
        make_node("unit_test.m1", "model.m"),
    )
    assert parents(graph, "unit_test.m1") == ids("model.a", "test.t")
    assert node_id("unit_test.m1") in parents(graph, "unit_test.m2")
    assert node_id("unit_test.m2") in parents(graph, "model.m")


def test_resource_that_feeds_a_source_comes_before_it():
    """ingest → source, in every reading but dbt's own."""
    loads = [make_dlt_source("bts", "s")]
    graph = make_graph(make_source("s"), make_node("model.a", "source.raw.s"), loads=loads)
    edge = (node_id("ingest.bts.s"), node_id("source.raw.s"))
    assert all(edge in set(reading.edges()) for reading in (graph.across, graph.needs, graph.order))
    assert edge not in set(graph.depends.edges())


def test_seed_behind_a_source_comes_before_it_but_is_not_selected_with_it():
    """A producer orders steps and is needed; `+` does not see it."""
    graph = make_graph(make_source("s"), make_node("seed.x", table="RAW.S"), make_node("model.a", "source.raw.s"))
    assert graph.needs.parents(node_id("source.raw.s")) == (node_id("seed.x"),)
    assert graph.depends.parents(node_id("source.raw.s")) == ()
    assert graph.across.parents(node_id("source.raw.s")) == ()


def test_test_of_a_producer_gates_the_readers_of_its_table():
    """seed → source → a: a waits for the test of the seed, as if it referred to it."""
    graph = make_graph(
        make_source("s"),
        make_node("seed.x", table="raw.s"),
        make_node("test.t", "seed.x"),
        make_node("model.a", "source.raw.s"),
    )
    assert node_id("test.t") in parents(graph, "model.a")


def test_table_of_the_same_name_in_another_database_is_another_table():
    """A producer's database counts when both are known."""
    other = make_node("seed.x", table="raw.s")
    source = make_source("s")
    elsewhere = type(source.placed)(database="archive", schema="raw", identifier="s")
    moved = type(source)(
        unique_id=source.unique_id,
        name="s",
        source_name="raw",
        package="shop",
        path="m.yml",
        placed=elsewhere,
        has_freshness=False,
        has_loaded_at=False,
    )
    assert make_graph(moved, other).needs.parents(source.unique_id) == ()


def test_producer_that_would_close_a_cycle_becomes_a_note():
    """A model that reads a source and writes its table gets no edge to it; others keep theirs."""
    graph = make_graph(
        make_source("s"),
        make_source("t"),
        make_node("model.a", "source.raw.s", table="raw.s"),
        make_node("seed.x", table="raw.t"),
    )
    assert graph.needs.parents(node_id("source.raw.s")) == ()
    assert graph.needs.parents(node_id("source.raw.t")) == (node_id("seed.x"),)
    assert "model.shop.a writes the table of source.shop.raw.s" in graph.notes[0]


def test_cycle_of_two_producers_loses_one_edge():
    """Two edges that close a circle only together: the first stays, the second becomes a note."""
    graph = make_graph(
        make_source("s"),
        make_source("t"),
        make_node("model.a", "source.raw.s", table="raw.t"),
        make_node("model.b", "source.raw.t", table="raw.s"),
    )
    assert len(graph.notes) == 1
    assert len(list(graph.needs.edges())) == 3


def test_cycle_among_dbt_nodes_is_an_error():
    """The path is printed."""
    with pytest.raises(GraphCycleError, match=r"model\.shop\.a → model\.shop\.b → model\.shop\.a"):
        make_graph(make_node("model.a", "model.b"), make_node("model.b", "model.a"))


def test_checks_are_listed_beside_what_they_check():
    """Among nodes free to stand anywhere, a test follows its node and a unit test comes before it."""
    graph = make_graph(
        make_node("model.a"),
        make_node("model.b"),
        make_node("test.t", "model.a"),
        make_node("unit_test.b_u", "model.b"),
        suites=[make_suite("s", "model.a")],
    )
    names = [node.rpartition(".")[2] for node in graph.order]
    assert names == ["a", "t", "s", "b_u", "b"]
