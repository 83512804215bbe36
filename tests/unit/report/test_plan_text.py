"""A plan as people read it."""

import io
from dataclasses import replace

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import LeftOut, Plan
from orchestrator.plan.step import BuildStep, StepId
from orchestrator.report.attempts_text import AttemptsText
from orchestrator.report.plan_overview import overview_lines
from orchestrator.report.plan_text import plan_lines, print_plan
from orchestrator.report.streams import open_console
from orchestrator.ways.way import NodeWay, WayOfStep
from tests.graph_factories import make_dlt_source, make_graph, make_node, make_source, make_suite, plan_for

TEXT = """\
9 steps, into /home/ada/shop.duckdb

Hooks before (1)
  hook       on-run-start          hook of the project

Ingest (1)
  ingest     ingest:bts (flights)  feeds source raw.flights

Gates (1)
  freshness  raw.flights           evaluates source raw.flights

Checks of what is not built here (1)
  data test  raw_ok                tests source raw.flights

Build (2)
  view       stg_flights           needed by fct_flights
    1 data test: stg_ok
  table      fct_flights           selected
    1 unit test: fct_u
    1 suite: fct

Selected but omitted (1)
  test.shop.both  parent_not_built: other is neither there nor in the plan
"""


def plan() -> Plan:
    """Plan one mart with its upstream, its gates and its checks."""
    graph = make_graph(
        make_source("flights", loaded_at=True, error=3600),
        make_node("test.raw_ok", "source.raw.flights"),
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


def text(a_plan: Plan, width: int = 100) -> str:
    """Give the text of a plan."""
    return "\n".join(line.plain for line in plan_lines(a_plan, database="/home/ada/shop.duckdb", width=width)) + "\n"


def test_every_step_is_shown_with_its_reason() -> None:
    """Loads, gates and builds in their order, the checks of a node below it; a reason is told once."""
    assert text(plan()) == TEXT


def test_a_steps_own_attempts_and_limits_follow_its_reason() -> None:
    """What holds for a kind of steps, or for the run, is told once, at the end; checks told alike stand together."""
    own = {StepId("model.shop.fct_flights"): "up to 5 attempts, 30 s limit", StepId("expectation.fct"): "one attempt"}
    said = AttemptsText(of_kinds={"ingest": "one attempt", "run": "6 h limit"}, of_steps=own)
    shown = TEXT.replace(
        "fct_flights           selected", "fct_flights           selected; up to 5 attempts, 30 s limit"
    )
    shown = shown.replace("1 suite: fct", "1 suite, one attempt: fct")
    end = "\nAttempts and time limits (2)\n  ingest: one attempt\n  run: 6 h limit\n"
    lines = plan_lines(plan(), said, database="/home/ada/shop.duckdb")
    assert "\n".join(line.plain for line in lines) + "\n" == shown + end
    folders = "\n".join(line.plain for line in overview_lines(plan(), said, database="db"))
    assert (
        "Nodes with attempts and limits of their own (1)\n  table  fct_flights  up to 5 attempts, 30 s limit\n"
        in folders
    )
    assert end.strip() in folders


def test_every_step_is_named() -> None:
    """Nothing that would run is hidden."""
    assert [step.name for step in plan().steps if step.name not in text(plan())] == []


def test_omitted_steps_and_notes_come_last() -> None:
    """With the machine-readable reason, and each note on a line."""
    left_out = LeftOut(node=NodeId("test.shop.far"), reason="parent_not_built", detail="model.shop.x")
    assert text(Plan(steps=(), left_out=(left_out,), notes=("a [note]\nof two lines",))) == (
        "0 steps, into /home/ada/shop.duckdb\n\n"
        "Selected but omitted (1)\n  test.shop.far  parent_not_built: model.shop.x\n\n"
        "Notes (1)\n  a [note] of two lines\n"
    )


def test_many_checks_are_wrapped_below_their_node() -> None:
    """Long lists stay inside the terminal and apart from the steps."""
    names = [f"not_null_flights_column_{number}" for number in range(6)]
    graph = make_graph(make_node("model.a"), *(make_node(f"test.{name}", "model.a") for name in names))
    lines = text(plan_for(graph, "model.a", also=[f"test.{name}" for name in names]), width=70).splitlines()
    assert lines[4:] == [
        "    6 data tests: not_null_flights_column_0,",
        "        not_null_flights_column_1, not_null_flights_column_2,",
        "        not_null_flights_column_3, not_null_flights_column_4,",
        "        not_null_flights_column_5",
    ]


def test_a_check_of_several_nodes_is_listed_below_the_last_with_its_own_reason() -> None:
    """Where the reason is another node than the one above it, it is told."""
    nodes = (make_node("model.a"), make_node("model.b", "model.a"), make_node("test.both", "model.a", "model.b"))
    a_plan = plan_for(make_graph(*nodes), "model.b")
    assert text(a_plan).splitlines()[-2:] == ["  model      b     selected", "    1 data test, tests a: both"]


def test_a_plan_is_printed_without_markup() -> None:
    """Names are text."""
    stream = io.StringIO()
    print_plan(open_console(stream), Plan(steps=(), notes=("[ok]",)), database="db")
    assert stream.getvalue() == "0 steps, into db\n\nNotes (1)\n  [ok]\n"


def large_plan(models: int = 250) -> Plan:
    """Plan a mart over many staging models, each with a test."""
    staging = [f"model.s{number}" for number in range(models)]
    nodes = [replace(make_node(name), path=f"models/staging/s{at}.sql") for at, name in enumerate(staging)]
    tests = [make_node(f"test.t{number}", name) for number, name in enumerate(staging)]
    mart = replace(make_node("model.mart", *staging, materialized="table"), path="models/marts/mart.sql")
    return plan_for(make_graph(*nodes, *tests, mart), "model.mart")


def printed(a_plan: Plan, *, verbose: bool = False) -> str:
    """Give what `elt plan` prints into a pipe."""
    stream = io.StringIO()
    print_plan(open_console(stream, width=100), a_plan, database="db", ways={} if verbose else None)
    return stream.getvalue()


def test_a_plan_of_hundreds_is_shown_by_folder() -> None:
    """What is built where, with how many checks, and why; and how to see each step."""
    assert printed(large_plan()) == (
        "501 steps, into db\n\n"
        "Build (251)\n"
        "  models/staging  model 250 · data test 250  needed\n"
        "  models/marts    table 1  selected\n\n"
        "With --verbose: every step with its reason\n"
    )


def test_verbose_shows_every_step_of_a_large_plan() -> None:
    """The same as a small plan shows."""
    a_plan = large_plan()
    assert printed(a_plan, verbose=True) == "\n".join(line.plain for line in plan_lines(a_plan, database="db")) + "\n"
    assert len(printed(a_plan, verbose=True).splitlines()) > 500


def test_verbose_counts_the_nodes_that_dbt_executes_by_reason() -> None:
    """And those for which statements are generated; what is not said of any step is left out."""
    stream = io.StringIO()
    a_plan = large_plan()
    builds = a_plan.of(BuildStep)
    drawn = [
        *[WayOfStep(way=NodeWay.BY_DBT, why_dbt="unit test")] * 3,
        WayOfStep(way=NodeWay.BY_DBT, why_dbt="incremental: microbatch"),
        *[WayOfStep(way=NodeWay.REPLAYED)] * 2,
        *[WayOfStep(way=NodeWay.GENERATED)] * (len(builds) - 6),
    ]
    ways = {step.id: way for step, way in zip(builds, drawn, strict=True)}
    print_plan(open_console(stream, width=100), a_plan, database="db", ways=ways)
    assert stream.getvalue().endswith(
        "\nExecuted with generated statements (245)\n\nExecuted as dbt did before, if nothing has changed (2)\n"
        "\nExecuted by dbt (4)\n  3  unit test\n  1  incremental: microbatch\n"
    )


def test_a_large_plan_names_the_first_of_what_it_does_not_build() -> None:
    """Lists that are long, too, end with a count; what is left out is grouped by its reason."""
    a_plan = large_plan()
    out = tuple(LeftOut(node=NodeId(f"test.shop.t{n}"), reason="parent_not_built") for n in range(30))
    lines = printed(replace(a_plan, left_out=out, notes=tuple(f"note {n}" for n in range(12)))).splitlines()
    assert lines[6:] == [
        "Selected but omitted (30)",
        "  parent_not_built: test.shop.t0, test.shop.t1, test.shop.t2, test.shop.t3, test.shop.t4 and 25 more",
        "",
        "Notes (12)",
        *(f"  note {n}" for n in range(10)),
        "  and 2 more",
        "",
        "With --verbose: every step with its reason",
    ]


def test_the_first_line_says_how_long_the_plan_takes() -> None:
    """In a small plan and in a large one; steps of which nothing is known are counted."""
    estimate = Estimate(seconds=250, low=200, high=300, runs=12)
    small = next(plan_lines(plan(), database="shop.duckdb", estimate=estimate))
    assert small.plain == "9 steps, into shop.duckdb, about 4 min (from 12 runs)"
    large = next(overview_lines(plan(), database="shop.duckdb", estimate=replace(estimate, unknown=1, runs=1)))
    assert large.plain == "9 steps, into shop.duckdb, at least 4 min (from 1 run, without 1 new step)"
