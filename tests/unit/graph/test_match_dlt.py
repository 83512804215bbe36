"""Which dbt sources a dlt resource feeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.graph.match_dlt import match_sources
from orchestrator.nodes.dbt_nodes import DbtSource, Manifest
from orchestrator.nodes.dlt import DltResource, DltSource
from orchestrator.nodes.identity import NodeId, Relation

NAMES = st.sampled_from(["orders", "orders__items", "orders__items__taxes", "customers", "_dlt_loads", "Orders"])


def dbt_source(table, *, source="shop", schema="raw", identifier=None):
    return DbtSource(
        unique_id=NodeId(f"source.p.{source}.{table}"),
        name=table,
        source_name=source,
        package="p",
        path="models/sources.yml",
        placed=Relation(database="db", schema=schema, identifier=identifier or table),
        has_freshness=False,
        has_loaded_at=False,
    )


def dlt_source(name, *tables, dataset=None):
    return DltSource(
        name=name,
        module=f"ingestion/{name}.py",
        attribute=name,
        pipeline=f"elt_{name}",
        dataset=dataset,
        working_dir=None,
        resources=tuple(
            DltResource(name=table or "dynamic", table=table, write_disposition="append") for table in tables
        ),
    )


def match(sources, *dbt_sources, schemas=None):
    manifest = Manifest(
        project_name="p",
        adapter_type="duckdb",
        dbt_version="1.11",
        nodes={},
        sources={source.unique_id: source for source in dbt_sources},
    )
    return match_sources(sources, manifest, schemas)


def fed(matched):
    """Give the edges by their short names."""
    return {(node.removeprefix("ingest."), target.rsplit(".", 1)[1]) for node, target in matched.feeds}


def test_a_resource_feeds_the_dbt_source_of_its_schema_and_table():
    """A bare source loads into the schema of the dbt source of its name; identifier, not name, is compared."""
    matched = match(
        [dlt_source("shop", "orders")], dbt_source("sales", identifier="ORDERS"), dbt_source("x", schema="y")
    )
    assert fed(matched) == {("shop.orders", "sales")}
    assert [(node.dataset, str(node.placed)) for node in matched.nodes] == [("raw", "raw.orders")]


def test_a_source_without_a_dbt_source_loads_into_its_own_name():
    """Without a dbt source of its name, the dlt source's name is the schema, and a note says it feeds nothing."""
    matched = match([dlt_source("shop", "orders")])
    assert matched.nodes[0].dataset == "shop"
    (note,) = matched.notes
    assert note == (
        "ingest:shop loads shop.orders, and no dbt source names it; to load into the schema of a dbt source, "
        "write under `ingestion:` in elt.yml: schemas: {shop: SCHEMA}"
    )


def test_an_unmatched_resource_is_reported_with_the_setting_that_would_match_it():
    """The schema of a dbt source that has such a table and no load is the one to write; many tables are one note."""
    loads = [dlt_source("shop_api", "orders", "items", "a", "b", "c")]
    (note,) = match(loads, dbt_source("orders", source="sales")).notes
    assert note == (
        "ingest:shop_api loads shop_api.orders, shop_api.items, shop_api.a and 2 more, and no dbt source names "
        "them; to load into raw, where dbt source sales is, write under `ingestion:` in elt.yml: "
        "schemas: {shop_api: raw}"
    )
    assert fed(match(loads, dbt_source("orders", source="sales"), schemas={"shop_api": "raw"}))


def test_an_unmatched_table_of_a_matched_load_asks_for_a_dbt_source():
    """To load elsewhere would take away what the others feed."""
    (note,) = match([dlt_source("shop", "orders", "items")], dbt_source("orders")).notes
    assert note == "ingest:shop loads raw.items, and no dbt source names it; add it to a dbt source in schema raw"


def test_an_unmatched_resource_of_a_users_pipeline_is_reported_with_the_pipelines_argument():
    """A user's pipeline keeps its dataset whatever elt.yml says."""
    (note,) = match([dlt_source("mine", "orders", dataset="other")], dbt_source("orders")).notes
    wanted = "to load into raw, where dbt source shop is, set dataset_name='raw' in the dlt.pipeline()"
    assert note.endswith(f"{wanted} of ingestion/mine.py")


@pytest.mark.parametrize("word", ["shop", "ingest:shop", "ingest.shop", "elt_shop", "ingest.elt_shop"])
def test_elt_yml_may_name_a_load_in_every_documented_way(word):
    """The key of `ingestion.schemas` is any name of the load."""
    (node,) = match([dlt_source("shop", "a")], schemas={word: "elsewhere"}).nodes
    assert node.dataset == "elsewhere"


def test_nested_tables_belong_to_the_nearest_resource():
    """`orders__items` is a part of orders, unless a resource of that very name writes it."""
    nested = dbt_source("orders__items")
    assert fed(match([dlt_source("shop", "orders")], nested)) == {("shop.orders", "orders__items")}
    assert fed(match([dlt_source("shop", "orders", "orders__items")], nested)) == {
        ("shop.orders__items", "orders__items")
    }


def test_dlts_bookkeeping_is_fed_by_all_of_its_dataset():
    """Every load into the dataset writes `_dlt_loads`."""
    sources = [dlt_source("shop", "a", "b"), dlt_source("bank", "c", dataset="raw"), dlt_source("far", "d")]
    matched = match(sources, dbt_source("_dlt_loads"), dbt_source("a"))
    assert {node for node, target in fed(matched) if target == "_dlt_loads"} == {"shop.a", "shop.b", "bank.c"}


def test_tables_without_another_writer_belong_to_the_loads_that_cannot_name_theirs():
    """A source that cannot be listed, or a resource with computed tables, feeds what no other resource claims."""
    matched = match(
        [dlt_source("shop", "a", None), dlt_source("mystery", dataset="raw")], dbt_source("a"), dbt_source("b")
    )
    assert fed(matched) == {("shop.a", "a"), ("shop.dynamic", "b"), ("mystery", "b")}


def test_elt_yml_overrides_the_default():
    """A schema told in elt.yml wins over the dbt source's; a user's own pipeline keeps its dataset."""
    told = {"shop": "elsewhere", "mine": "elsewhere", "ghost": "x"}
    matched = match([dlt_source("shop", "a"), dlt_source("mine", "b", dataset="raw")], dbt_source("a"), schemas=told)
    assert {node.source: node.dataset for node in matched.nodes} == {"shop": "elsewhere", "mine": "raw"}
    assert any("ingestion.schemas names ghost, and no ingestion module" in note for note in matched.notes)
    assert any("loads into raw, not as elt.yml says" in note for note in matched.notes)


def test_an_unmatched_dbt_source_is_noted_only_in_a_schema_that_dlt_loads():
    """A dbt source whose table somebody else loads, elsewhere, is no concern."""
    matched = match(
        [dlt_source("shop", "a")], dbt_source("a"), dbt_source("b"), dbt_source("c", source="s", schema="t")
    )
    (note,) = [note for note in matched.notes if "no dlt resource writes" in note]
    assert note == (
        "dbt source shop.b is in schema raw, which ingest:shop loads, but no dlt resource writes raw.b; "
        "if one does, its table has another name: set `identifier`"
    )


def test_a_dbt_source_over_several_schemas_is_noted():
    """The schema of most of its tables is chosen, and the choice is told."""
    tables = [dbt_source("a"), dbt_source("b"), dbt_source("c", schema="other")]
    matched = match([dlt_source("shop", "a")], *tables)
    assert matched.nodes[0].dataset == "raw"
    assert any("has tables in raw, other" in note for note in matched.notes)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(NAMES, max_size=3, unique=True)),
        max_size=3,
        unique_by=lambda p: p[0],
    ),
    st.lists(st.tuples(NAMES, st.sampled_from(["raw", "b"])), max_size=5, unique_by=lambda p: p[0]),
)
def test_edges_join_known_nodes_within_one_schema(loads, tables):
    """Whatever is matched: ends exist, schemas agree, each edge is there once, and all that feeds nothing is noted."""
    dbt_sources = [dbt_source(table, schema=schema) for table, schema in tables]
    matched = match([dlt_source(name, *resources) for name, resources in loads], *dbt_sources)
    nodes = {node.unique_id: node for node in matched.nodes}
    targets = {source.unique_id: source for source in dbt_sources}
    assert len(set(matched.feeds)) == len(matched.feeds)
    assert all(nodes[n].dataset.lower() == targets[t].placed.schema.lower() for n, t in matched.feeds)
    idle = {nodes[node].source for node in set(nodes) - {node for node, _ in matched.feeds}}
    assert sum("no dbt source" in note for note in matched.notes) == len(idle)
