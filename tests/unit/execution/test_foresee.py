"""What a plan says of each step before the run: it runs, is reused, or that is decided later; and why."""

from dataclasses import replace

import pytest

from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act
from orchestrator.plan.plan_words import decision_words, told_of
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.last_success import LastAttempt
from orchestrator.reuse.past import Past
from orchestrator.reuse.plan_decisions import Wishes, decide_plan
from tests.fakes.clock import NOON
from tests.graph_factories import make_source, node_id
from tests.unit.execution.reusing import Target, World, with_code
from tests.unit.reuse.fingerprints.making import model

A_TO_C: dict[str, DbtNode | DbtSource] = {
    "s": make_source("s"),
    "a": model("model.a", "select 1", "source.raw.s"),
    "v": model("model.v", "select 2", "model.a", config={"materialized": "view"}),
    "c": model("model.c", "select 3", "model.v"),
    "t": model("test.t", "select 8", "model.a", config={"materialized": "test"}),
}


@pytest.fixture
def world() -> World:
    """raw.s → a (table, tested by t) → v (view) → c (table), all of it built."""
    made = World(dict(A_TO_C), Target({NodeId("source.shop.raw.s"): 0}))
    made.run_with_reuse()
    assert len(made.ran) == 4
    return made


def told(world: World, *, fed: bool = False, past: Past | None = None, drops_views: bool = False) -> dict[str, str]:
    """Give the act and the words of each step of a run of everything."""
    world.runs += 1
    plan, _ = world.plan()
    known = past or world.past()
    evaluator = world.evaluator(known, plan)
    evaluator = Evaluator(replace(evaluator.project, drops_views=drops_views), known, evaluator.planned)
    fed_ones = frozenset({NodeId("source.shop.raw.s")} if fed else ())
    decided = decide_plan(plan, evaluator, Wishes(may_reuse=lambda _step: True, fed=fed_ones))
    found = {step.name: step.decision for step in decided.steps}
    return {name: f"{one.act}: {one.words}" for name, one in found.items() if one is not None}


def test_valid_results_are_reused(world: World) -> None:
    """With the run in which it ended well."""
    assert set(told(world).values()) == {"reuse: nothing changed"}
    plan, _ = world.plan()
    decided = decide_plan(plan, world.evaluator(world.past(), plan), Wishes(may_reuse=lambda _step: True))
    assert {told_of(step) for step in decided.steps} == {"selected; reused, nothing changed since run r1"}


def test_nodes_wait_for_rows_that_may_arrive(world: World) -> None:
    """By tables and tests below the source; a view is what it is."""
    found = told(world, fed=True)
    assert found.pop("v") == "reuse: nothing changed"
    assert set(found.values()) == {"if_changed: if raw.s gets new rows"}


def test_a_view_may_be_missing_while_tables_are_swapped(world: World) -> None:
    """As on PostgreSQL."""
    assert told(world, fed=True, drops_views=True)["v"] == "if_changed: if what it reads is rebuilt"
    world.parts["a"] = with_code(world.parts["a"], "select 5")
    world.parts["v"] = model("model.v", "select 2", "model.a", config={"materialized": "view"})
    assert told(world, drops_views=True)["v"].startswith("run: ")


def test_a_change_is_reported_at_its_node_and_downstream(world: World) -> None:
    """The part that changed; below it the parent."""
    world.parts["a"] = with_code(world.parts["a"], "select 5")
    assert told(world) == {
        "a": "run: code changed: models/a.sql",
        "t": "run: parent a changed",
        "v": "run: parent a changed",
        "c": "run: parent a changed (through v)",
    }


def test_a_node_that_runs_every_time_is_not_by_itself_a_change_for_its_descendants(world: World) -> None:
    """However far below: the reason names the node that runs, and why."""
    world.parts["a"] = with_code(world.parts["a"], "select {{ run_started_at }}")
    world.parts["d"] = model("model.d", "select 6", "model.c")
    world.parts["e"] = model("model.e", "select 7", "model.d")
    world.run_with_reuse()
    found = told(world)
    volatile = found["a"].removeprefix("run: ")
    assert volatile.startswith("volatile: ")
    assert found["c"] == f"run: parent a runs: {volatile} (through v)"
    assert found["d"] == f"run: parent c is rebuilt, because a runs: {volatile}"
    assert found["e"] == f"run: parent d is rebuilt, because a runs: {volatile}"


def test_rows_that_were_already_loaded_are_reported(world: World) -> None:
    """The view above the last table stays."""
    world.target.sources[NodeId("source.shop.raw.s")] = 1
    found = told(world)
    assert (found["a"], found["v"]) == ("run: data of source raw.s changed", "reuse: nothing changed")
    assert found["c"] == "run: parent a changed (through v)"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (Status.FAIL, "its last check failed: t"),
        (Status.ERROR, "its last check errored: t"),
        (None, "its last check was interrupted: t"),
    ],
)
def test_a_check_that_did_not_pass_is_repeated_with_the_node_it_checks(
    world: World, last: Status | None, words: str
) -> None:
    """What is below them stays, if they end as what stands did."""
    world.record.last_attempts[StepId(node_id("test.t"))] = LastAttempt(run_id="r9", status=last, ended_at=NOON)
    found = told(world)
    assert found["a"] == f"run: {words}"
    assert found["t"].endswith("in run r9")
    assert found["c"] == "reuse: nothing changed"


def test_a_check_that_never_ran_is_run_with_the_node_it_checks(world: World) -> None:
    """As one that failed."""
    world.parts["new"] = model("test.new", "select 9", "model.c", config={"materialized": "test"})
    found = told(world)
    assert (found["c"], found["new"]) == ("run: its check never ran here: new", "run: never ran here")


def test_missing_relations_are_named(world: World) -> None:
    """By its place."""
    del world.target.held[node_id("model.c")]
    assert told(world)["c"] == "run: main.c no longer exists"


def test_without_a_record_everything_runs(world: World) -> None:
    """Nothing is known to stand."""
    assert told(world, past=Past())["c"] == "run: never built here"


def test_a_restored_target_is_trusted(world: World) -> None:
    """It holds what an earlier run built: where that is another thing, it is built again."""
    before = world.target.copy()
    world.parts["c"] = with_code(world.parts["c"], "select 6")
    world.run_with_reuse()
    world.target = before
    assert told(world)["c"] == "run: it was built from something else in run r1"
    world.parts["c"] = with_code(world.parts["c"], "select 3")
    assert told(world)["c"] == "reuse: nothing changed"


def test_without_the_database_decisions_that_need_it_stay_open(world: World) -> None:
    """What the record says is kept as likely; new rows, which the record does not know, change nothing."""
    world.parts["c"] = with_code(world.parts["c"], "select 5")
    world.target.sources[NodeId("source.shop.raw.s")] = 1
    decisions = {step.rpartition(".")[2]: one for step, one in world.decisions(unread=True).items()}
    assert {one.act for one in decisions.values()} == {Act.UNCONFIRMED}
    assert not any(one.may_reuse for one in decisions.values())
    assert {name: one.likely for name, one in decisions.items()} == {
        "a": Act.REUSE,
        "t": Act.REUSE,
        "v": Act.REUSE,
        "c": Act.RUN,
    }
    assert decision_words(decisions["c"]) == "unconfirmed, by the record: runs (code changed: models/c.sql)"


def test_decisions_from_the_manifest_are_certain_without_the_database(world: World) -> None:
    """A volatile model always runs."""
    world.parts["a"] = with_code(world.parts["a"], "select {{ run_started_at }}")
    assert world.decisions(unread=True)[StepId(node_id("model.a"))].act is Act.RUN


def test_volatile_nodes_always_run(world: World) -> None:
    """And what is below them, for they may be others each time."""
    world.parts["a"] = with_code(world.parts["a"], "select {{ run_started_at }}")
    world.run_with_reuse()
    assert told(world)["a"] == "run: volatile: run_started_at (models/a.sql:1)"
    assert told(world)["c"].startswith("run: ")
