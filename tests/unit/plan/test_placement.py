"""A step's place tells the schemas of one database apart, and what a run writes is named in full."""

from dataclasses import replace

import pytest
from hypothesis import given

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.placement import place_of, places_of, written_by
from orchestrator.plan.step import StepId
from tests.graph_factories import (
    make_dlt_source,
    make_graph,
    make_node,
    make_source,
    make_suite,
    manifests,
    plan_for,
)


def shop(schema: str) -> Graph:
    """Make a project as one developer parses it: all that dbt builds is in a schema of the developer's own."""
    audit = f"{schema}_dbt_test__audit"
    stored = replace(
        make_node("test.stored", "model.fct", database="Shop", schema=audit),
        placed=Relation(database="Shop", schema=audit, identifier="stored"),
    )
    nodes = [
        make_node("operation.first", database="Shop", schema=schema, tags=("on-run-start",)),
        make_node("seed.codes", table=f"{schema}.Codes", database="Shop", schema=schema),
        make_node("model.eph", "source.raw.orders", materialized="ephemeral", database="Shop", schema=schema),
        make_node("model.fct", "model.eph", "seed.codes", table=f"{schema}.fct", database="Shop", schema=schema),
        make_node("function.fct", table=f"{schema}.fct", database="Shop", schema=schema),
        make_node("test.key", "model.fct", database="Shop", schema="dbt_test__audit"),
        make_node("unit_test.adds", "model.fct", schema=schema),
    ]
    return make_graph(
        make_source("orders", loaded_at=True, error=60),
        *nodes,
        stored,
        loads=[make_dlt_source("bts", "orders", pipeline="load_bts")],
        suites=[make_suite("judged", on="model.fct")],
    )


PLACES = {
    "seed.shop.codes": "db.ada.codes",
    "model.shop.fct": "db.ada.fct",
    "function.shop.fct": "function db.ada.fct",
    "model.shop.eph": "on db.raw, shop.ada",
    "test.shop.stored": "shop.ada_dbt_test__audit.stored",
    "test.shop.key": "on db.ada, shop.dbt_test__audit",
    "unit_test.shop.adds": "on ada, db.ada, db.raw",
    "expectation.judged": "on db.ada.fct",
    "freshness.source.shop.raw.orders": "on db.raw.orders",
    "source.shop.raw.orders": "db.raw.orders",
    "ingest.bts.orders": "on raw",
    "ingest.load_bts": "on raw",
    "ingest.load_bts.bts": "on raw",
    "hook.start": "on shop.ada",
    "model.shop.gone": "",
    "ingest.gone": "",
}


@pytest.mark.parametrize("step", PLACES)
def test_a_steps_place_is_its_relation_or_the_schema_it_works_in(step: str) -> None:
    """In lower case, as DuckDB compares names; a function is none of the tables; what nobody knows has no place."""
    assert place_of(shop("Ada"), StepId(step)) == PLACES[step]


def test_a_place_tells_names_apart_as_the_database_does() -> None:
    """PostgreSQL keeps the case of what dbt quotes."""
    graph = shop("Ada")
    exact = replace(graph, manifest=replace(graph.manifest, adapter_type="postgres"))
    assert place_of(exact, NodeId("seed.shop.codes")) == "db.Ada.Codes"
    assert place_of(exact, StepId("test.shop.key")) == "on Shop.dbt_test__audit, db.Ada"


def test_two_schemas_share_the_place_of_nothing_that_depends_on_them() -> None:
    """Also not that of a test whose own schema the project names without the developer's part."""
    shared = {step for step in PLACES if place_of(shop("ada"), StepId(step)) == place_of(shop("bob"), StepId(step))}
    assert shared == {
        "freshness.source.shop.raw.orders", "source.shop.raw.orders", "ingest.bts.orders", "ingest.load_bts",
        "ingest.load_bts.bts", "model.shop.gone", "ingest.gone",
    }  # fmt: skip


def test_a_place_stays_short() -> None:
    """A test that reads hundreds of schemas is told apart by a digest: a key of PostgreSQL holds 2,700 bytes."""
    models = [make_node(f"model.m{n}", table=f"schema_{n:04}.m") for n in range(500)]
    wide = [make_graph(*models, make_node("test.wide", *(f"model.m{n}" for n in range(most)))) for most in (499, 500)]
    places = [place_of(graph, StepId("test.shop.wide")) for graph in wide]
    assert len(set(places)) == 2
    assert max(map(len, places)) < 500


def test_the_relations_a_run_writes_are_named_in_full() -> None:
    """Relations with the target's database where theirs is not known, and datasets of loads; checks write nothing."""
    graph = shop("ada")
    named = [node.replace(".shop.", ".") for node in (*graph.manifest.nodes, *graph.suites) if "operation" not in node]
    plan = plan_for(graph, *named)
    written = {step.id: names for step in plan.steps if (names := written_by(graph, step, "DB"))}
    assert written == {
        "ingest.load_bts": ("dataset db.raw", "db.raw.orders"),
        "seed.shop.codes": ("db.ada.codes",),
        "model.shop.fct": ("db.ada.fct",),
        "function.shop.fct": ("function db.ada.fct",),
        "test.shop.stored": ("shop.ada_dbt_test__audit.stored",),
    }


@given(manifest=manifests())
def test_every_step_of_a_plan_has_a_place_and_its_relation_is_what_it_writes(manifest) -> None:
    """Of two steps at one place at most one is a relation's own writer."""
    nodes = {id_: replace(node, database="db", schema="main") for id_, node in manifest.nodes.items()}
    graph = make_graph(*manifest.sources.values(), *nodes.values())
    plan = plan_for(graph, *(f"{node.resource_type}.{node.name}" for node in nodes.values()))
    places = places_of(graph, [step.id for step in plan.steps])
    assert all(places.values())
    for step in plan.steps:
        written = written_by(graph, step, "db")
        assert written in ((), (places[step.id],))
        if not written:
            assert places[step.id].startswith("on ")


def test_a_nodes_place_does_not_depend_on_the_relations_it_reads() -> None:
    """A failing test that is edited to read another model of the same schema is still the test that failed."""

    def place(*reads: str) -> str:
        models = [make_node(f"model.{name}") for name in "abc"]
        return place_of(make_graph(*models, make_node("test.t", *reads)), StepId("test.shop.t"))

    assert place("model.a") == place("model.b", "model.c")
