"""Suites are bound to nodes by their names alone."""

import pytest

from orchestrator.errors import SuiteError
from orchestrator.graph.bind_suites import bind
from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.suite import Suite, suite_id
from tests.graph_factories import make_node, make_source


def versioned(version: str) -> DbtNode:
    """Make a version of the model `prices`."""
    return DbtNode(
        unique_id=NodeId(f"model.shop.prices.v{version}"),
        name="prices",
        resource_type=ResourceType.MODEL,
        package="shop",
        path="models/prices.sql",
        version=version,
    )


def installed(name: str) -> DbtNode:
    """Make a model of an installed package."""
    return DbtNode(
        unique_id=NodeId(f"model.tools.{name}"),
        name=name,
        resource_type=ResourceType.MODEL,
        package="tools",
        path=f"models/{name}.sql",
    )


NODES = [
    make_node("model.orders"),
    make_node("seed.colours"),
    make_node("snapshot.history"),
    make_node("model.passing", materialized="ephemeral"),
    make_node("test.not_null"),
    versioned("1"),
    versioned("2"),
    make_node("model.calendar"),
    installed("calendar"),
    installed("numbers"),
]
SOURCES = [make_source("orders"), make_source("items")]
MANIFEST = Manifest(
    project_name="shop",
    adapter_type="duckdb",
    dbt_version="1.11",
    nodes={node.unique_id: node for node in NODES},
    sources={source.unique_id: source for source in SOURCES},
)


def suites(*names):
    return [
        Suite(unique_id=suite_id(name), name=name, path=f"expectations/{name}.json", expectations=1) for name in names
    ]


NO_NODE = "no model, seed, snapshot or dbt source is called"


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("orders", "model.shop.orders"),
        ("shop.orders", "model.shop.orders"),
        ("colours", "seed.shop.colours"),
        ("history", "snapshot.shop.history"),
        ("prices.v2", "model.shop.prices.v2"),
        ("shop.prices.v1", "model.shop.prices.v1"),
        ("numbers", "model.tools.numbers"),
        ("tools.calendar", "model.tools.calendar"),
        ("raw.orders", "source.shop.raw.orders"),
        ("shop.raw.items", "source.shop.raw.items"),
    ],
)
def test_a_name_finds_its_node(name, node):
    """A model, seed or snapshot by its name, its package or its version; a source by its source and table."""
    [bound] = bind(suites(name), MANIFEST)
    assert (bound.suite.name, bound.node) == (name, node)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("ordrs", f"{NO_NODE} \"ordrs\". Did you mean 'orders' or 'raw.orders'?"),
        ("raw.item", f"{NO_NODE} \"raw.item\". Did you mean 'raw.items'?"),
        ("zzzzzz", f'{NO_NODE} "zzzzzz"'),
        ("not_null", f'{NO_NODE} "not_null"'),
        (
            "passing",
            'the suite "passing" belongs to model.shop.passing, which is ephemeral: it leaves no table to validate',
        ),
        ("prices", 'the suite "prices" may mean 2 nodes: call it prices.v1 or prices.v2'),
        ("calendar", 'the suite "calendar" may mean 2 nodes: call it shop.calendar or tools.calendar'),
    ],
)
def test_a_suite_without_its_node_is_an_error(name, mistake):
    """The message names the file and the names that would do."""
    with pytest.raises(SuiteError) as raised:
        bind(suites(name), MANIFEST)
    assert raised.value.message.startswith(f"expectations/{name}.json: {mistake}")
    assert "model, seed or snapshot" in raised.value.hint


def test_all_unbound_suites_are_reported_at_once():
    """The bound ones are left out of the message."""
    with pytest.raises(SuiteError) as raised:
        bind(suites("orders", "ordrs", "passing"), MANIFEST)
    first, *rest = raised.value.message.splitlines()
    assert first == "2 mistakes in expectation suites:"
    assert [line.split('"')[1] for line in rest] == ["ordrs", "passing"]


def test_malformed_and_unbound_suites_are_reported_at_once():
    """One run shows every mistake, and how each kind is corrected."""
    with pytest.raises(SuiteError) as raised:
        bind(suites("ordrs"), MANIFEST, ['expectations/a.json: no "name"'])
    assert raised.value.message.splitlines() == [
        "2 mistakes in expectation suites:",
        '  expectations/a.json: no "name"',
        f"  expectations/ordrs.json: {NO_NODE} \"ordrs\". Did you mean 'orders' or 'raw.orders'?",
    ]
    assert "A suite is a JSON object" in raised.value.hint
    assert "A suite has the name of a model" in raised.value.hint
