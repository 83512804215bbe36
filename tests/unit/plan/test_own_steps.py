"""Steps of one's own in a plan: what they wait for, what waits for them, and when they are part of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import GraphCycleError
from orchestrator.graph.build import with_steps
from orchestrator.graph.edges import own_step_edges
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream, Verb
from orchestrator.plan.step import Cause, OwnStep, Why
from tests.graph_factories import (
    LastSuccess,
    ids,
    make_graph,
    make_manifest,
    make_node,
    make_own,
    make_source,
    make_suite,
    manifests,
    node_id,
)


def chain():
    """step:sync → source s (with a gate) → stg → mart → board → step:bi → step:tell, with checks."""
    return make_graph(
        make_source("s", loaded_at=True, warn=60),
        make_source("other"),
        make_node("model.stg", "source.raw.s"),
        make_node("test.stg_ok", "model.stg"),
        make_node("model.dim", "source.raw.other"),
        make_node("model.mart", "model.stg"),
        make_node("test.mart_ok", "model.mart"),
        make_node("test.related", "model.mart", "model.dim"),
        make_node("exposure.board", "model.mart"),
        suites=[make_suite("m", "model.mart")],
        steps=[
            make_own("tell", "step.bi"),
            make_own("bi", "exposure.board"),
            make_own("sync", feeds=["s"]),
        ],
    )


def plan_of(graph, *, steps=(), select=None, **options):
    selected = frozenset(graph.manifest.nodes) if select is None else ids(*select)
    request = PlanRequest(selected=selected, direct=selected, steps_selected=ids(*steps), **options)
    return make_plan(graph, request, LastSuccess())


def parents(plan, short: str) -> set[str]:
    return {one.replace(".shop.", ".") for one in plan.by_id[node_id(short)].parents}


def test_a_step_waits_for_what_it_follows_and_for_every_check_on_it():
    """Also for a test that reads another node too, and for a suite; an exposure is looked through."""
    plan = plan_of(chain(), steps=["step.bi", "step.tell"])
    assert parents(plan, "step.bi") == {"exposure.board", "test.mart_ok", "test.related", "expectation.m"}
    assert parents(plan, "step.tell") == {"step.bi"}


def test_the_gate_of_a_source_waits_for_the_step_that_fills_it():
    """A step before a source is added like a load, whenever the source is read."""
    plan = plan_of(chain(), select=["model.stg"])
    gate = next(step for step in plan.steps if step.id.startswith("freshness."))
    assert gate.parents == ("step.sync",)
    assert plan.by_id["step.sync"].cause == Cause(why=Why.FEEDS, of=node_id("source.raw.s"))
    assert plan.by_id["step.sync"].writes[0].identifier == "s"


@pytest.mark.parametrize(
    "options",
    [
        {"ingest": False},
        {"upstream": Upstream.NONE},
        {"own_steps": False},
        {"excluded": ids("step.sync")},
        {"verb": Verb.TEST},
        {"verb": Verb.FRESHNESS},
    ],
)
def test_a_step_before_a_source_does_not_run(options):
    """Without loads, in plain dbt, with a schema prefix, if it is excluded, and where nothing is built."""
    assert plan_of(chain(), **options).of(OwnStep) == ()


def test_ingest_runs_the_steps_that_fill_sources_and_no_others():
    """A sync belongs to `elt ingest`."""
    plan = plan_of(chain(), steps=["step.bi"], verb=Verb.INGEST)
    assert [step.id for step in plan.of(OwnStep)] == ["step.sync"]


def test_a_named_step_brings_the_ancestors_that_it_needs():
    """As a named exposure does."""
    plan = plan_of(chain(), steps=["step.bi"], select=[])
    assert {"model.shop.stg", "model.shop.mart", "step.sync"} <= set(plan.by_id)
    assert "model.shop.dim" not in plan.by_id
    alone = plan_of(chain(), steps=["step.bi"], select=[], upstream=Upstream.NONE)
    assert list(alone.by_id) == ["step.bi"]


def test_a_prefixed_run_notes_the_steps_that_it_omits():
    """Nothing is omitted silently."""
    plan = plan_of(chain(), steps=["step.bi"], own_steps=False)
    assert "step:bi does not run with --schema-prefix." in plan.notes
    assert plan.of(OwnStep) == ()


def test_a_step_between_a_model_and_a_source_orders_both():
    """What reads the source waits for the tests of the model; without the step there is no such order."""
    graph = make_graph(
        make_source("back"),
        make_node("model.out"),
        make_node("test.out_ok", "model.out"),
        make_node("model.again", "source.raw.back"),
        steps=[make_own("export", "model.out", feeds=["back"])],
    )
    plan = plan_of(graph, steps=["step.export"])
    assert parents(plan, "step.export") == {"test.out_ok"}
    assert parents(plan, "model.again") == {"step.export"}
    assert "model.shop.out" in plan_of(graph, select=["model.again"]).by_id


def test_steps_that_wait_for_each_other_are_a_cycle():
    """Also through what reads the source that one of them fills."""
    source, model = make_source("s"), make_node("model.stg", "source.raw.s")
    with pytest.raises(GraphCycleError, match=r"step\.a"):
        make_graph(source, model, steps=[make_own("a", "model.stg", feeds=["s"])])


@given(manifests(), st.data())
def test_steps_after_nodes_close_no_cycle_and_change_no_other_order(manifest, data):
    """On any manifest; dbt's own edges stay as they are, so its selection does too."""
    graph = make_graph(*manifest.sources.values(), *manifest.nodes.values())
    nodes = [str(node) for node in graph.depends]
    follows = data.draw(st.lists(st.lists(st.sampled_from(nodes), min_size=1, max_size=3), min_size=1, max_size=4))
    steps = []
    for index, several in enumerate(follows):
        own = make_own(f"s{index}")
        before = [step.unique_id for step in steps[-1:] if data.draw(st.booleans())]
        steps.append(
            type(own)(
                **{name: getattr(own, name) for name in own.__slots__}
                | {
                    "follows": (*several, *before),
                }
            )
        )
    extended = with_steps(graph, steps)
    assert extended.depends is graph.depends
    others = [node for node in extended.order if node not in extended.steps]
    assert {(a, b) for a, b in extended.order.edges() if b not in extended.steps} == set(graph.order.edges())
    assert set(others) == set(graph.order)
    place = extended.order.position
    assert all(place[a] < place[b] for a, b in own_step_edges(steps))


def test_a_project_without_steps_has_the_graph_it_had():
    """Nothing is built for what is not there."""
    assert make_graph(*make_manifest(make_node("model.a")).nodes.values()).steps == {}
