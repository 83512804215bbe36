"""A suite depends on every relation that it names; what cannot be read off it is not understood."""

from dataclasses import replace

import pytest

from orchestrator.adapters.great_expectations.coverage import WAYS
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.reuse.fingerprints.suite_fingerprints import (
    UNDERSTOOD,
    SuiteReading,
    read_suite_queries,
    relation_finder,
    suite_fingerprint,
)
from orchestrator.reuse.fingerprints.value import SourceVersion
from tests.graph_factories import make_manifest, make_node, make_source, make_suite, node_id

MANIFEST = make_manifest(
    make_node("model.m"),
    make_node("model.other"),
    make_node("seed.rates", table="ref.rates"),
    make_node("test.kept", table="main.kept"),
    make_source("orders"),
)
VALIDATED = Relation(database="db", schema="main", identifier="m")


def read(type_: str, parameters: dict | None = None, **kwargs: object) -> SuiteReading:
    """Read a suite of one expectation on the model m."""
    expectation = {"type": type_, "kwargs": kwargs}
    return read_suite_queries([expectation], parameters or {}, relation_finder(MANIFEST, VALIDATED), "duckdb")


def query(sql: str, **kwargs: object) -> SuiteReading:
    """Read a suite of one query of the user's own."""
    return read("unexpected_rows_expectation", unexpected_rows_query=sql, **kwargs)


def test_an_expectation_on_columns_reads_only_its_table() -> None:
    """And whatever its arguments are, if they are constants."""
    assert read("expect_column_values_to_be_between", column="i", min_value=1, max_value="2024-01-01") == SuiteReading()


def test_the_table_it_refers_to_is_read() -> None:
    """By a name in the schema of the table that is validated, or in another."""
    type_ = "expect_table_row_count_to_equal_other_table"
    assert read(type_, other_table_name="other") == SuiteReading(nodes=(node_id("model.other"),))
    assert read(type_, other_table_name="ref.rates") == SuiteReading(nodes=(node_id("seed.rates"),))
    assert read(type_, other_table_name="rates").not_understood == (
        "rates, which is no node of the graph, in expectation 1, expect_table_row_count_to_equal_other_table",
    )


def test_every_table_in_a_query_is_read() -> None:
    """The validated one stands as {batch}."""
    found = query("select * from {batch} where i not in (select i from other join raw.orders o using (i));")
    assert found == SuiteReading(nodes=(node_id("model.other"), NodeId("source.shop.raw.orders")))
    assert query("select * from {batch} where abs(i) > 1").calls == {"abs"}


def test_both_sides_of_a_comparison_are_read() -> None:
    """The second one has no {batch}."""
    found = read(
        "expect_query_results_to_match_comparison",
        base_query="select count(*) as n from {batch}",
        comparison_data_source_name="warehouse",
        comparison_query="select count(*) as n from other",
    )
    assert (found.nodes, found.not_understood, found.calls) == ((node_id("model.other"),), (), {"count"})


@pytest.mark.parametrize(
    "sql",
    [
        "select * from {batch} where d > now()",
        "select * from {batch} where i in (select i from elsewhere)",
        "select * from {batch} where i in (select i from kept)",
        "select * from {batch} where i in (select i from read_csv('x.csv'))",
        "select * from {batch} where i in (select i from 'x.csv')",
        "select {column} from {batch}",
        "select * from {batch.name}",
        "select * from {batch} where my_function(i)",
        "this is no SQL {batch}",
    ],
)
def test_a_query_of_any_other_form_is_not_understood(sql: str) -> None:
    """The clock, a file, a table that is no node, the rows that a test keeps, a function of the user's own."""
    assert query(sql).not_understood


@pytest.mark.parametrize(
    ("type_", "kwargs"),
    [
        ("expect_column_values_to_be_polite", {"column": "i"}),
        ("expect_column_max_to_be_between", {"column": "d", "max_value": {"$PARAMETER": "now()"}}),
        ("expect_column_max_to_be_between", {"column": "d", "max_value": {"$PARAMETER": "limit + 1"}}),
        ("expect_column_max_to_be_between", {"column": "d", "max_value": "now"}),
        ("expect_column_values_to_be_in_set", {"column": "d", "value_set": ["2024-01-01", "today"]}),
        ("expect_table_row_count_to_equal", {"value": 1, "row_condition": 'col("d") > date("10:30")'}),
        ("expect_table_row_count_to_equal_other_table", {"other_table_name": {"$PARAMETER": "unset"}}),
        ("expect_column_bootstrapped_ks_test_p_value_to_be_greater_than", {"column": "i"}),
    ],
)
def test_code_that_depends_on_the_clock_or_on_unknown_code_is_not_understood(type_: str, kwargs: dict) -> None:
    """Custom expectations, formulas, and texts that a database reads as a moment."""
    assert read(type_, {"limit": 5}, **kwargs).not_understood


def test_a_constant_of_the_suite_is_understood() -> None:
    """A parameter that is the name of one, also where it names a table."""
    named = {"$PARAMETER": "table"}
    found = read("expect_table_row_count_to_equal_other_table", {"table": "other"}, other_table_name=named)
    assert found == SuiteReading(nodes=(node_id("model.other"),))
    assert read("expect_column_max_to_be_between", {"e": 5}, column="i", max_value={"$PARAMETER": "e"}).not_understood


def test_every_expectation_that_is_evaluated_is_understood() -> None:
    """A new one of great-expectations fails here until its queries were read."""
    assert set(WAYS) == UNDERSTOOD


def test_a_fingerprint_covers_everything_that_the_suite_reads() -> None:
    """What a node is to its children, or the version of a source's rows."""
    bound = make_suite("s", "model.m")
    orders = NodeId("source.shop.raw.orders")
    reading = SuiteReading(nodes=(node_id("model.other"), orders), not_understood=("x",))
    parents = {node_id("model.m"): "1", node_id("model.other"): "2"}
    made = suite_fingerprint(bound, MANIFEST, {"suite": "c"}, reading, parents, {orders: SourceVersion(rows="v")})
    assert made.built.keys() == {"suite", *(f"parent:{node}" for node in (*parents, orders))}
    assert [str(one) for one in made.not_understood] == ["x (expectations/s.json)"]
    assert made.unknown == frozenset()

    def differs(**changed: object) -> bool:
        given = {"parents": parents, "versions": {orders: SourceVersion(rows="v")}, **changed}
        return suite_fingerprint(bound, MANIFEST, {"suite": "c"}, reading, **given) != made

    assert differs(parents={**parents, node_id("model.other"): "3"})
    assert differs(versions={orders: SourceVersion(rows="v", ids="1")})
    assert differs(versions={})


def test_the_same_name_in_another_database_is_another_relation() -> None:
    """Where both databases are known."""
    find = relation_finder(MANIFEST, VALIDATED)
    assert find(("db", "main", "other")) == node_id("model.other")
    assert find(("elsewhere", "main", "other")) is None
    assert relation_finder(MANIFEST, replace(VALIDATED, database=None))(("other",)) == node_id("model.other")
