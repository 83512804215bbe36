"""A Dag: order, reach, contraction and the message of a cycle."""

from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import GraphCycleError
from orchestrator.graph.dag import Dag


@st.composite
def edges(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """Draw nodes in any order, and edges that close no cycle."""
    count = draw(st.integers(1, 14))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    found = draw(st.lists(pairs, max_size=40)) if count > 1 else []
    nodes = draw(st.permutations([f"n{index}" for index in range(count)]))
    return list(nodes), [(f"n{a}", f"n{b}") for a, b in found]


def networkx_of(nodes: list[str], pairs: list[tuple[str, str]]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(pairs)
    return graph


@given(edges())
def test_order_is_topological(drawn):
    """Every node stands after all its parents."""
    nodes, pairs = drawn
    place = {node: index for index, node in enumerate(Dag(nodes, pairs))}
    assert set(place) == set(nodes)
    assert all(place[parent] < place[child] for parent, child in pairs)


def test_order_among_free_nodes_is_as_given():
    """Nodes that could stand anywhere keep the order in which they were given."""
    assert Dag(["c", "b", "a", "d"], [("a", "b")]).order == ("c", "a", "b", "d")


@given(edges(), st.data())
def test_reach_is_that_of_networkx(drawn, data):
    """Ancestors and descendants of one node are those that networkx finds, in sets and in bits."""
    nodes, pairs = drawn
    dag, oracle = Dag(nodes, pairs), networkx_of(nodes, pairs)
    node = data.draw(st.sampled_from(nodes))
    above, below = nx.ancestors(oracle, node), nx.descendants(oracle, node)
    assert dag.ancestors([node]) == above
    assert dag.descendants([node]) == below
    assert dag.ancestor_bits[dag.position[node]] == dag.bits(above)
    assert dag.descendant_bits[dag.position[node]] == dag.bits(below)


@given(edges(), st.data(), st.integers(0, 4))
def test_reach_ends_at_its_depth(drawn, data, depth):
    """With a depth, descendants are those that any of the nodes reaches in one to that many edges."""
    nodes, pairs = drawn
    start = data.draw(st.sets(st.sampled_from(nodes)))
    oracle = networkx_of(nodes, pairs)
    reached = {
        node
        for one in start
        for node in nx.single_source_shortest_path_length(oracle, one, cutoff=depth)
        if node != one
    }
    assert Dag(nodes, pairs).descendants(start, depth=depth) == reached


@given(edges(), st.data())
def test_contraction_keeps_paths_and_nothing_else(drawn, data):
    """A contracted Dag has a path where there was one, and no edge that a longer path replaces."""
    nodes, pairs = drawn
    keep = data.draw(st.sets(st.sampled_from(nodes)))
    contracted = Dag(nodes, pairs).contract(keep)
    closure = nx.transitive_closure_dag(networkx_of(nodes, pairs)).subgraph(keep)
    assert set(contracted.edges()) == set(nx.transitive_reduction(closure).edges)


@given(edges(), st.data())
def test_first_of_a_set_has_no_ancestor_in_it(drawn, data):
    """The first nodes of a set are those without an ancestor in it."""
    nodes, pairs = drawn
    some = data.draw(st.sets(st.sampled_from(nodes)))
    dag = Dag(nodes, pairs)
    assert set(dag.first_of(dag.bits(some))) == {node for node in some if not some & dag.ancestors([node])}


def test_cycle_is_printed_as_a_path():
    """A cycle is refused with the way round it, from the node that was given first."""
    with pytest.raises(GraphCycleError, match="cycle: a → b → c → a"):
        Dag(["x", "a", "b", "c", "d"], [("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])


def test_node_that_needs_itself_is_a_cycle():
    """An edge from a node to itself is the shortest cycle."""
    with pytest.raises(GraphCycleError, match="a → a"):
        Dag(["a"], [("a", "a")])


@given(edges(), st.data())
def test_printed_cycle_is_a_cycle(drawn, data):
    """Whatever the cycle, each step of the printed path is an edge, and it ends where it began."""
    nodes, pairs = drawn
    closure = sorted(nx.transitive_closure(networkx_of(nodes, pairs)).edges)
    if not closure:
        closure, pairs = [("n0", "n0")], [*pairs, ("n0", "n0")]
    parent, child = data.draw(st.sampled_from(closure))
    cyclic = [*pairs, (child, parent)]
    with pytest.raises(GraphCycleError) as raised:
        Dag(nodes, cyclic)
    path = raised.value.message.removesuffix(".").rpartition(": ")[2].split(" → ")
    assert path[0] == path[-1]
    assert set(pairwise(path)) <= set(cyclic)
