"""A plan in words and in JSON."""

import json
import re
from pathlib import Path

from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.plan.plan_words import Line, explain, plan_to_json
from orchestrator.report.attempts_text import attempts_json
from tests.graph_factories import make_dlt_source, make_graph, make_node, make_source, make_suite, plan_for

DOCUMENT = Path(__file__).parents[3] / "docs" / "plan.md"


def plan():
    graph = make_graph(
        make_source("flights", loaded_at=True, error=3600),
        make_node("model.stg_flights", "source.raw.flights", materialized="view"),
        make_node("test.stg_ok", "model.stg_flights"),
        make_node("model.fct_flights", "model.stg_flights", materialized="table"),
        make_node("unit_test.fct_u", "model.fct_flights"),
        make_node("model.other"),
        make_node("test.both", "model.fct_flights", "model.other"),
        make_node("operation.first", tags=("on-run-start",)),
        loads=[make_dlt_source("bts", "flights")],
        suites=[make_suite("fct", "model.fct_flights")],
    )
    return plan_for(graph, "model.fct_flights", also=["unit_test.fct_u", "test.both"])


def test_each_step_is_a_line_with_its_reason():
    """Kind, name and reason, in the plan's order."""
    assert explain(plan()) == (
        Line(kind="hook", name="on-run-start", reason="hook of the project"),
        Line(kind="ingest", name="ingest:bts", reason="feeds source raw.flights"),
        Line(kind="freshness", name="raw.flights", reason="evaluates source raw.flights"),
        Line(kind="model", name="stg_flights", reason="needed by fct_flights"),
        Line(kind="data test", name="stg_ok", reason="tests stg_flights"),
        Line(kind="unit test", name="fct_u", reason="tests fct_flights"),
        Line(kind="model", name="fct_flights", reason="selected"),
        Line(kind="suite", name="fct", reason="evaluates fct_flights"),
    )


def test_json_output_is_complete():
    """Steps, what was left out and notes survive JSON."""
    found = json.loads(json.dumps(plan_to_json(plan())))
    assert found["version"] == 1
    assert found["left_out"] == [
        {
            "node": "test.shop.both",
            "reason": "parent_not_built",
            "detail": "other is neither there nor in the plan",
        }
    ]
    model = next(one for one in found["steps"] if one["id"] == "model.shop.fct_flights")
    assert model == {
        "id": "model.shop.fct_flights",
        "kind": "model",
        "name": "fct_flights",
        "path": "models/fct_flights.sql",
        "parents": ["unit_test.shop.fct_u"],
        "after": [],
        "reads": [{"database": "db", "schema": "main", "identifier": "stg_flights"}],
        "writes": [{"database": "db", "schema": "main", "identifier": "fct_flights"}],
        "pool": None,
        "priority": None,
        "cause": {"why": "selected", "of": None},
        "reason": "selected",
        "decision": {"act": "run", "words": ""},
        "node": "model.shop.fct_flights",
        "materialized": "table",
        "added": False,
        "continues_on_error": False,
    }


def test_every_key_and_kind_is_documented():
    """docs/plan.md names each key and each kind that a plan can show."""
    known = set(re.findall(r"`(\w+)`", DOCUMENT.read_text()))
    found = plan_to_json(plan())
    rules = AttemptRules(policies={step.id: RepeatPolicy() for step in plan().steps})
    found |= plan_to_json(plan(), {step.id: attempts_json(rules, step.id) for step in plan().steps})
    steps = found["steps"]
    assert set(steps[0]["backoff"]) <= known
    keys = set(found) | {key for one in steps for key in one} | {one["kind"] for one in steps}
    assert keys <= known


def test_a_load_lists_the_sources_it_feeds():
    """One dbt source by its name; several by their number and the first of them; all of them in JSON."""
    tables = [f"t{number}" for number in range(5)]
    for number, words in (
        (1, "feeds source raw.t0"),
        (3, "feeds 3 sources: raw.t0, raw.t1, raw.t2"),
        (5, "feeds 5 sources: raw.t0, raw.t1, raw.t2 and 2 more"),
    ):
        graph = make_graph(
            *(make_source(table) for table in tables[:number]),
            make_node("model.m", *(f"source.raw.{table}" for table in tables[:number])),
            loads=[make_dlt_source("shop", *tables[:number])],
        )
        made = plan_for(graph, "model.m")
        assert explain(made)[0] == Line(kind="ingest", name="ingest:shop", reason=words)
        step = plan_to_json(made)["steps"][0]
        assert step["feeds"] == [f"source.shop.raw.{table}" for table in tables[:number]]
