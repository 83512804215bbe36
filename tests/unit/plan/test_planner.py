"""The planner: what a selection brings into a plan, what it leaves out, and what waits for what."""

import pytest
from hypothesis import given, settings

from orchestrator.graph.build import build_graph
from orchestrator.nodes.identity import ResourceType
from orchestrator.plan.decision import Act
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import Upstream, Verb
from orchestrator.plan.step import Cause, Why
from tests.graph_factories import (
    LastSuccess,
    Unread,
    everything,
    ids,
    make_dlt_source,
    make_graph,
    make_node,
    make_source,
    make_suite,
    manifests,
    node_id,
    plan_for,
)


def names(plan) -> list[str]:
    """Give the ids of the steps without the project's name."""
    return [step.id.replace(".shop.", ".") for step in plan.steps]


def step(plan, short: str):
    return next(step for step in plan.steps if step.id.replace(".shop.", ".") == short)


def line():
    """ingest.bts.s → source s (judged by dbt) → stg → int → mart → board, with checks on each."""
    return make_graph(
        make_source("s", loaded_at=True, warn=60),
        make_node("test.s_ok", "source.raw.s"),
        make_node("model.stg", "source.raw.s", materialized="view"),
        make_node("test.stg_ok", "model.stg"),
        make_node("model.int", "model.stg", materialized="table"),
        make_node("test.int_ok", "model.int"),
        make_node("unit_test.int_u", "model.int"),
        make_node("model.mart", "model.int"),
        make_node("test.mart_ok", "model.mart"),
        make_node("exposure.board", "model.mart"),
        loads=[make_dlt_source("bts", "s", "unused")],
        suites=[
            make_suite("s_suite", "source.raw.s"),
            make_suite("int_suite", "model.int"),
            make_suite("m", "model.mart"),
        ],
    )


def test_selection_adds_what_it_needs_with_its_checks():
    """The whole line comes, in order, but for tests of the selection that nobody selected, and the exposure."""
    assert names(plan_for(line(), "model.mart")) == [
        "ingest.load_bts",
        "freshness.source.raw.s",
        "test.s_ok",
        "expectation.s_suite",
        "model.stg",
        "test.stg_ok",
        "unit_test.int_u",
        "model.int",
        "test.int_ok",
        "expectation.int_suite",
        "model.mart",
        "expectation.m",
    ]


def test_each_step_says_why_it_is_there():
    """Selected, needed by the nearest that was selected, feeding a source, or checking a node."""
    plan = plan_for(line(), "model.mart", also=["test.mart_ok"])
    causes = {name: step(plan, name).cause for name in names(plan)}
    assert causes["model.mart"] == Cause(why=Why.SELECTED)
    assert causes["model.stg"] == Cause(why=Why.NEEDED, of=node_id("model.mart"))
    assert causes["ingest.load_bts"] == Cause(why=Why.FEEDS, of=node_id("source.raw.s"))
    assert causes["freshness.source.raw.s"] == Cause(why=Why.CHECKS, of=node_id("source.raw.s"))
    assert causes["test.mart_ok"] == Cause(why=Why.CHECKS, of=node_id("model.mart"))
    assert causes["expectation.m"] == Cause(why=Why.CHECKS, of=node_id("model.mart"))


def test_needed_by_names_the_nearest_node():
    """With two selected nodes in a row, an ancestor is needed by the one next to it."""
    plan = plan_for(line(), "model.mart", "model.int")
    assert step(plan, "model.stg").cause.of == node_id("model.int")


def test_full_refresh_distinguishes_added_nodes():
    """Only what the planner added is marked as added."""
    plan = plan_for(line(), "model.mart")
    assert [one.node for one in plan.steps if getattr(one, "added", False)] == [
        node_id("model.stg"),
        node_id("model.int"),
    ]


def test_upstream_none_is_plain_dbt():
    """Only what was selected runs, with the suites bound to it."""
    plan = plan_for(line(), "model.mart", also=["test.mart_ok"], upstream=Upstream.NONE)
    assert names(plan) == ["model.mart", "test.mart_ok", "expectation.m"]


def test_upstream_none_checks_a_source_that_is_selected():
    """A source in the selection has its age judged, and nothing loads it."""
    plan = plan_for(line(), "source.raw.s", "model.stg", also=["test.s_ok"], upstream=Upstream.NONE)
    assert names(plan) == ["freshness.source.raw.s", "test.s_ok", "expectation.s_suite", "model.stg"]


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ("ingest", {"ingest.load_bts"}),
        ("freshness", {"freshness.source.raw.s"}),
        (
            "tests",
            {"test.s_ok", "test.stg_ok", "test.int_ok", "unit_test.int_u"}
            | {"expectation.s_suite", "expectation.int_suite", "expectation.m"},
        ),
    ],
)
def test_each_kind_can_be_switched_off(switch, gone):
    """Without ingestion, freshness or tests, exactly these steps are not there."""
    facts = LastSuccess("raw.s")
    full, less = (plan_for(line(), "model.mart", facts=facts, **{switch: on}) for on in (True, False))
    assert set(names(full)) - set(names(less)) == gone


def test_excluded_table_ends_the_search_upstream():
    """Neither it, nor what lies only above it, nor the checks of either."""
    plan = plan_for(line(), "model.mart", excluded=ids("model.int", "test.int_ok", "unit_test.int_u"))
    assert names(plan) == ["model.mart", "expectation.m"]


def test_excluded_view_is_looked_through():
    """A view holds no rows: what it reads is still needed, and still stops what reads the view."""
    plan = plan_for(line(), "model.int", excluded=ids("model.stg", "test.stg_ok"))
    assert "ingest.load_bts" in names(plan)
    assert "model.stg" not in names(plan)
    assert "expectation.s_suite" in step(plan, "model.int").parents


def test_indirect_test_that_touches_an_excluded_node_is_omitted():
    """As dbt leaves out a test with an excluded parent."""
    graph = make_graph(
        make_node("model.a"),
        make_node("model.x"),
        make_node("model.b", "model.a"),
        make_node("test.both", "model.a", "model.x"),
    )
    plan = plan_for(graph, "model.b", excluded=ids("model.x"), facts=LastSuccess("main.x"))
    assert names(plan) == ["model.a", "model.b"]


def test_deferred_nodes_supply_everything_upstream_of_them():
    """Neither a deferred node nor what lies above it is added, and a test finds it there."""
    plan = plan_for(line(), "model.mart", deferred=ids("model.int"))
    assert names(plan) == ["model.mart", "expectation.m"]


def related():
    """a and x, with a test of both; b over a."""
    return make_graph(
        make_source("s"),
        make_node("model.a"),
        make_node("model.eph", "source.raw.s", materialized="ephemeral"),
        make_node("model.x", "model.eph"),
        make_node("test.both", "model.a", "model.x"),
        make_node("test.with_eph", "model.a", "model.eph"),
        make_node("model.b", "model.a"),
    )


def test_indirect_test_adds_no_ancestors():
    """With a parent that is not built it is left out, and the plan says which parent."""
    plan = plan_for(related(), "model.a", also=["test.both"])
    assert names(plan) == ["model.a"]
    [left_out] = plan.left_out
    assert (left_out.node, left_out.reason) == (node_id("test.both"), "parent_not_built")
    assert left_out.detail == "x is neither there nor in the plan"


@pytest.mark.parametrize(
    "options", [{"facts": LastSuccess("main.x")}, {"upstream": Upstream.NONE}, {"deferred": ids("model.x")}]
)
def test_indirect_test_stays_when_its_parents_exist(options):
    """A parent that stands or is supplied is enough; with upstream none dbt finds out itself."""
    plan = plan_for(related(), "model.a", also=["test.both"], **options)
    assert "test.both" in names(plan)
    assert not plan.left_out


def test_ephemeral_parent_exists_when_its_parents_exist():
    """An ephemeral model stands through its own parents."""
    with_source = plan_for(related(), "model.a", also=["test.with_eph"], facts=LastSuccess("raw.s"))
    without = plan_for(related(), "model.a", also=["test.with_eph"])
    assert "test.with_eph" in names(with_source)
    assert [one.node for one in without.left_out] == [node_id("test.with_eph")]


@pytest.mark.parametrize(("test", "parent"), [("test.both", "x"), ("test.with_eph", "eph")])
def test_indirect_test_is_unconfirmed_when_its_parents_existence_is_unknown(test, parent):
    """It stays in the plan; also where an ephemeral model is between them."""
    plan = plan_for(related(), "model.a", also=[test], facts=Unread())
    decision = plan.by_id[node_id(test)].decision
    assert (decision.act, decision.likely, decision.words) == (Act.UNCONFIRMED, Act.RUN, f"if {parent} exists")
    assert plan.by_id[node_id("model.a")].decision is None
    assert not plan.left_out


def test_selected_test_adds_its_parents():
    """A test by name is as good as a model: what it needs is built."""
    assert names(plan_for(related(), "test.both")) == ["model.a", "model.eph", "model.x", "test.both"]


def test_indirect_test_without_its_parents_is_not_reported():
    """A test that an added node would bring, and that finds a parent missing, is not mentioned."""
    plan = plan_for(related(), "model.b")
    assert names(plan) == ["model.a", "model.b"]
    assert not plan.left_out


def test_unit_test_needs_what_its_model_reads():
    """It runs on what the model reads; the model itself is not built for it."""
    assert "model.int" not in names(plan_for(line(), "unit_test.int_u"))
    assert "model.stg" in names(plan_for(line(), "unit_test.int_u"))


def test_selected_suite_adds_its_node():
    """The node is built for the suite."""
    plan = plan_for(line(), suites_selected=ids("expectation.int_suite"))
    assert step(plan, "expectation.int_suite").cause == Cause(why=Why.SELECTED)
    assert step(plan, "model.int").cause == Cause(why=Why.NEEDED, of=node_id("expectation.int_suite"))


def test_only_named_types_are_added():
    """`--resource-type model` adds no tests."""
    plan = plan_for(line(), "model.mart", resource_types=frozenset({ResourceType.MODEL}))
    assert [name for name in names(plan) if "test." in name] == []


def test_file_without_sql_is_never_added():
    """dbt would not build it either."""
    graph = make_graph(make_node("model.a", is_empty=True), make_node("model.b", "model.a"))
    assert names(plan_for(graph, "model.b")) == ["model.b"]


def test_producer_of_a_source_is_added():
    """A seed that writes the table of a source comes in, and the source's readers wait for it."""
    graph = make_graph(make_source("s"), make_node("seed.x", table="raw.s"), make_node("model.a", "source.raw.s"))
    plan = plan_for(graph, "model.a")
    assert names(plan) == ["seed.x", "model.a"]
    assert step(plan, "model.a").parents == ("seed.shop.x",)


def test_one_load_for_all_needed_resources_of_a_dlt_source():
    """Resources of one dlt source load together; those that nobody reads do not load."""
    graph = make_graph(
        make_source("s"),
        make_source("t"),
        make_node("model.a", "source.raw.s", "source.raw.t"),
        loads=[make_dlt_source("bts", "s", "t", "u")],
    )
    load = step(plan_for(graph, "model.a"), "ingest.load_bts")
    assert load.resources == ("s", "t")
    assert [str(relation) for relation in load.writes] == ["raw.s", "raw.t"]


def test_loads_that_share_a_dlt_pipeline_run_in_turn():
    """They share its working folder, so one waits for the other, whatever comes of it."""
    loads = [make_dlt_source("one", "s", pipeline="p"), make_dlt_source("two", "t", pipeline="p")]
    plan = plan_for(make_graph(make_source("s"), loads=loads), ingest_selected=ids("ingest.one.s", "ingest.two.t"))
    assert names(plan) == ["ingest.p.one", "ingest.p.two"]
    assert step(plan, "ingest.p.two").after == ("ingest.p.one",)


def test_everything_that_reads_a_source_waits_for_its_freshness():
    """load → freshness → tests and suites of the source → models."""
    plan = plan_for(line(), "model.stg")
    assert step(plan, "freshness.source.raw.s").parents == ("ingest.load_bts",)
    assert step(plan, "test.s_ok").parents == ("freshness.source.shop.raw.s",)
    assert set(step(plan, "model.stg").parents) == {"test.shop.s_ok", "expectation.s_suite"}


@pytest.mark.parametrize(
    ("loaded_at", "loads", "by_load"), [(True, True, False), (True, False, False), (False, True, True)]
)
def test_dbt_determines_the_age_when_it_can(loaded_at, loads, by_load):
    """Only without loaded_at_field and loaded_at_query is the last load asked."""
    graph = make_graph(
        make_source("s", loaded_at=loaded_at, error=60),
        make_node("model.a", "source.raw.s"),
        loads=[make_dlt_source("bts", "s")] if loads else [],
    )
    assert step(plan_for(graph, "model.a"), "freshness.source.raw.s").by_load is by_load


def test_an_age_that_cannot_be_determined_is_noted():
    """Without a gate, and not in silence."""
    graph = make_graph(make_source("s", error=60), make_node("model.a", "source.raw.s"))
    plan = plan_for(graph, "model.a")
    assert names(plan) == ["model.a"]
    assert "raw.s has freshness limits" in plan.notes[0]


def hooked(**options):
    return plan_for(
        make_graph(
            make_source("s", loaded_at=True, warn=1),
            make_node("model.a", "source.raw.s"),
            make_node("model.b", "model.a"),
            make_node("operation.start", tags=("on-run-start",)),
            make_node("operation.end", tags=("on-run-end",)),
        ),
        *options.pop("select", ["model.b"]),
        **options,
    )


def test_hooks_surround_what_dbt_builds():
    """The first end before anything of dbt starts but freshness; the last wait for all, whatever came of it."""
    plan = hooked()
    assert step(plan, "model.a").after == ("hook.start",)
    assert step(plan, "model.b").after == ()
    assert step(plan, "freshness.source.raw.s").after == ()
    assert step(plan, "hook.end").after == ("hook.start", "model.shop.a", "model.shop.b")
    assert step(plan, "hook.end").parents == ()


def test_failed_on_run_start_hook_halts_when_dbt_is_configured_so():
    """With dbt's flag the hooks are parents."""
    assert "hook.start" in step(hooked(skip_nodes_if_on_run_start_fails=True), "model.a").parents


def test_on_run_start_hooks_wait_for_the_loads_when_asked():
    """`on_run_start: after_ingest` lets the hooks wait for every load, however it ends."""
    graph = make_graph(
        make_source("s"),
        make_node("model.a", "source.raw.s"),
        make_node("operation.start", tags=("on-run-start",)),
        loads=[make_dlt_source("raw", "s")],
    )
    waiting = step(plan_for(graph, "model.a", hooks_after_ingest=True), "hook.start")
    assert waiting.after == ("ingest.load_raw",)
    assert waiting.parents == ()
    assert step(plan_for(graph, "model.a"), "hook.start").after == ()


def test_dbt_decides_whether_freshness_runs_hooks():
    """Freshness alone has the hooks around it, unless dbt's flag of the project says otherwise."""
    asked = {"select": ["source.raw.s"], "verb": Verb.FRESHNESS}
    assert names(hooked(**asked)) == ["freshness.source.raw.s"]
    plan = hooked(**asked, freshness_runs_hooks=True)
    assert names(plan) == ["hook.start", "freshness.source.raw.s", "hook.end"]
    assert step(plan, "freshness.source.raw.s").after == ("hook.start",)
    assert step(hooked(freshness_runs_hooks=True), "freshness.source.raw.s").after == ()


def test_ingest_plans_only_loads():
    """Those that are named, and those that feed what is named."""
    plan = plan_for(line(), "model.mart", verb=Verb.INGEST, ingest_selected=ids("ingest.bts.unused"))
    assert names(plan) == ["ingest.load_bts"]
    assert step(plan, "ingest.load_bts").resources == ("s", "unused")


def test_test_plans_checks_that_wait_for_nothing():
    """Tests, unit tests and suites of what is named, on what stands; unit tests do not stop each other."""
    graph = make_graph(
        make_node("model.m"),
        make_node("unit_test.u1", "model.m"),
        make_node("unit_test.u2", "model.m"),
        make_node("test.t", "model.m"),
        suites=[make_suite("m", "model.m")],
    )
    plan = plan_for(graph, "model.m", also=["test.t", "unit_test.u1", "unit_test.u2"], verb=Verb.TEST)
    assert set(names(plan)) == {"unit_test.u1", "unit_test.u2", "test.t", "expectation.m"}
    assert {one.parents for one in plan.steps} == {()}


def test_freshness_plans_named_sources():
    """Only their age; nothing is loaded first."""
    plan = plan_for(line(), "source.raw.s", verb=Verb.FRESHNESS)
    assert names(plan) == ["freshness.source.raw.s"]
    assert plan.steps[0].cause == Cause(why=Why.SELECTED)


def test_steps_name_what_they_read_and_write():
    """Through an ephemeral model, the tables under it; a unit test reads what its model reads."""
    plan = plan_for(related(), "model.x", facts=LastSuccess("raw.s"))
    assert [str(one) for one in step(plan, "model.x").reads] == ["raw.s"]
    assert [str(one) for one in step(plan, "model.x").writes] == ["main.x"]
    assert step(plan, "model.eph").writes == ()
    assert [str(one) for one in step(plan_for(line(), "unit_test.int_u"), "unit_test.int_u").reads] == ["main.stg"]


@settings(deadline=None)
@given(manifests())
def test_plan_is_in_a_runnable_order(manifest):
    """Whatever the manifest, ids are unique and each step stands after all that it waits for."""
    plan = make_plan(graph := build_graph(manifest), everything(graph), LastSuccess())
    place = {one.id: index for index, one in enumerate(plan.steps)}
    assert len(place) == len(plan.steps)
    assert all(place[other] < place[one.id] for one in plan.steps for other in (*one.parents, *one.after))


@settings(deadline=None)
@given(manifests())
def test_same_input_gives_the_same_plan(manifest):
    """Planning twice gives equal plans."""
    graph = build_graph(manifest)
    assert make_plan(graph, everything(graph), LastSuccess()) == make_plan(graph, everything(graph), LastSuccess())
