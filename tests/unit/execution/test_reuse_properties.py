"""Whatever is edited, loaded, dropped, put back or cut off: a run with reuse leaves what a full run leaves.

`ELT_REUSE_EXAMPLES=2000` tries more of them.
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.execution.outcome import ReasonCode
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.decision import Act
from orchestrator.plan.request import Upstream
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.graph_factories import make_source
from tests.unit.execution.reusing import Record, Target, World, seen, with_code
from tests.unit.reuse.fingerprints.making import model

CHECKED = ((), (), (), ("test",), ("unit_test",), ("test", "unit_test"))
KINDS = ("table", "table", "view", "view", "ephemeral", "incremental")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a project that was never run: two sources, two to six models, a test or unit test for some of them."""
    parts: dict[str, DbtNode | DbtSource] = {name: make_source(name) for name in ("s0", "s1")}
    readable = [f"source.raw.{name}" for name in parts]
    for at in range(draw(st.integers(2, 6))):
        parents = draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(KINDS))
        parts[f"m{at}"] = model(f"model.m{at}", "select 1", *parents, config={"materialized": kind})
        readable.append(f"model.m{at}")
        for check in draw(st.sampled_from(CHECKED)):
            config = {"materialized": "test", "severity": draw(st.sampled_from(("error", "warn")))}
            parts[f"{check}{at}"] = model(f"{check}.{check}{at}", "select 7", f"model.m{at}", config=config)
    sources = {node.unique_id: 0 for node in parts.values() if isinstance(node, DbtSource)}
    return World(parts, Target(sources), marks=draw(st.booleans()))


def edited(draw: st.DrawFn, world: World, kept: list[Target]) -> None:
    """Do one thing to the project, its data, or its target."""
    nodes = [name for name, part in world.parts.items() if isinstance(part, DbtNode)]
    built = sorted(world.target.held)
    kinds = ["code", "comment", "rows", "nothing", "keep"]
    kinds += ["drop"] if built else []
    kinds += ["restore"] if kept and world.marks else []
    tables = [node for node in built if not isinstance(world.target.held[node], DbtNode)]
    kinds += ["by hand"] if tables and world.marks else []
    match draw(st.sampled_from(kinds)):
        case "code":
            name = draw(st.sampled_from(nodes))
            world.parts[name] = with_code(world.parts[name], f"select {draw(st.integers(1, 4))}")
        case "comment":
            name = draw(st.sampled_from(nodes))
            code = world.parts[name].definition.raw_code.partition("--")[0].strip()
            world.parts[name] = with_code(world.parts[name], f"{code} -- {draw(st.integers(1, 3))}")
        case "rows":
            source = draw(st.sampled_from(sorted(world.target.sources)))
            world.target.sources[source] = draw(st.integers(0, 3))
        case "drop":
            del world.target.held[draw(st.sampled_from(built))]
        case "by hand":
            world.target.held[draw(st.sampled_from(tables))] = ("by hand", draw(st.integers(0, 3)))
        case "keep":
            kept.append(world.target.copy())
        case "restore":
            world.target = draw(st.sampled_from(kept)).copy()


def full(world: World) -> tuple[World, dict[StepId, object]]:
    """Run everything in another target, which has the same sources and nothing else."""
    other = World(world.parts, Target(dict(world.target.sources)))
    return other, other.run(other.plan()[0])


@settings(max_examples=int(os.environ.get("ELT_REUSE_EXAMPLES", "80")))
@given(data=st.data())
def test_a_run_with_reuse_leaves_what_a_full_run_leaves(data: st.DataObject) -> None:
    """Tables, views and verdicts; runs of a part, of what was named alone, and runs that died come between."""
    world, kept = data.draw(worlds()), []
    for at in range(data.draw(st.integers(2, 5))):
        for _ in range(data.draw(st.integers(1, 2)) if at else 0):
            edited(data.draw, world, kept)
        between(data.draw, world)
        outcomes = world.run_with_reuse()
        other, theirs = full(world)
        verdicts = {step: verdict(one) for step, one in theirs.items()}
        assert {step: verdict(one) for step, one in outcomes.items()} == verdicts
        evaluation = [NodeId(step) for step, said in verdicts.items() if said is not Status.SKIPPED and is_built(step)]
        assert seen(world, evaluation) == seen(other, evaluation)


@settings(max_examples=40)
@given(data=st.data())
def test_without_the_database_no_decision_is_wrong(data: st.DataObject) -> None:
    """Nothing is said to be reused, and what is said to run does run when the database can be read."""
    world, kept = data.draw(worlds()), []
    world.run_with_reuse()
    for _ in range(data.draw(st.integers(0, 3))):
        edited(data.draw, world, kept)
    without, real = world.decisions(unread=True), world.decisions()
    assert not any(one.may_reuse for one in without.values())
    certain = {step for step, one in without.items() if one.act is not Act.UNCONFIRMED}
    assert all(real[step].act is without[step].act for step in certain)


@settings(max_examples=40)
@given(data=st.data())
def test_without_the_database_the_likely_decision_assumes_that_it_is_as_recorded(
    data: st.DataObject,
) -> None:
    """Where only the project changed since the last run."""
    world = data.draw(worlds())
    world.run_with_reuse()
    for name in data.draw(st.sets(st.sampled_from([name for name in world.parts if name.startswith("m")]))):
        world.parts[name] = with_code(world.parts[name], f"select {data.draw(st.integers(1, 4))}")
    without, real = world.decisions(unread=True), world.decisions()
    assert {step: one.likely or one.act for step, one in without.items()} == {
        step: one.act for step, one in real.items()
    }


@settings(max_examples=25)
@given(data=st.data())
def test_unseen_changes_are_found_and_repaired_with_everything_built_on_them(data: st.DataObject) -> None:
    """A run that verifies all names what is not what it builds to; runs after it leave what a full run leaves."""
    world = data.draw(worlds())
    world.reads_content = False
    world.parts = {name: part for name, part in world.parts.items() if is_model(part) or isinstance(part, DbtSource)}
    world.run_with_reuse()
    tables = sorted(node for node, held in world.target.held.items() if not isinstance(held, DbtNode))
    tables = [node for node in tables if world.parts[short_name(node)].materialized == "table"]
    changed = set(data.draw(st.sets(st.sampled_from(tables)))) if tables else set()
    for node in changed:
        world.target.held[node] = ("by hand", world.target.held[node])
    others = sorted(part.unique_id for part in world.parts.values() if is_model(part) and part.unique_id not in changed)
    rebuilt = data.draw(st.sets(st.sampled_from(others), max_size=2)) if others else set()
    if rebuilt:  # on what was changed
        world.run_with_reuse(rebuilt, skip_unchanged=False, upstream=Upstream.NONE)
    if data.draw(st.booleans()) and world.marks:
        world.record = Record()  # somebody else's, who knows the target alone
    found = world.run_with_reuse(verified=1)
    wrong = {step for step, outcome in found.items() if outcome.reason.code is ReasonCode.DIFFERS}
    assert wrong <= {*changed, *world.graph.needs.descendants(changed)}
    assert wrong or not changed or rebuilt
    for _ in range(len(world.parts)):
        found = world.run_with_reuse(verified=1)
        if not any(outcome.reason.code is ReasonCode.DIFFERS for outcome in found.values()):
            break
    other, theirs = full(world)
    evaluation = [NodeId(step) for step, one in theirs.items() if is_built(step) and not one.status.halts]
    evaluation = [node for node in evaluation if not found[StepId(node)].status.halts]
    assert seen(world, evaluation) == seen(other, evaluation)


def between(draw: st.DrawFn, world: World) -> None:
    """Run a part, or none, or let a run die."""
    models = sorted(part.unique_id for part in world.parts.values() if is_model(part))
    named = draw(st.sets(st.sampled_from(models), max_size=3))
    if named:
        world.run_with_reuse(
            named,
            skip_unchanged=draw(st.booleans()),
            upstream=draw(st.sampled_from(list(Upstream))),
            dies_after=draw(st.one_of(st.none(), st.integers(0, 4))) if world.marks else None,
        )


def verdict(outcome) -> Status:
    """Give what a step ended as, as if it had run."""
    if outcome.status is Status.REUSED:
        return Status.WARN if outcome.tool_word == "warn" else Status.SUCCESS
    return outcome.status


def is_model(part: DbtNode | DbtSource) -> bool:
    return isinstance(part, DbtNode) and part.resource_type is ResourceType.MODEL


def is_built(step: StepId) -> bool:
    return step.startswith("model.")


@settings(max_examples=25)
@given(world=worlds())
def test_after_a_successful_run_nothing_runs(world: World) -> None:
    """Unless a check said no: what it evaluates runs again with it."""
    outcomes = world.run_with_reuse()
    if all(not outcome.status.halts for outcome in outcomes.values()):
        world.run_with_reuse()
        assert world.ran == []


@settings(max_examples=25)
@given(world=worlds(), data=st.data())
def test_a_comment_reruns_only_the_selected_nodes(world: World, data: st.DataObject) -> None:
    """It compiles to what stands; only of an ephemeral model that no other node reads there is nothing to compare."""
    outcomes = world.run_with_reuse()
    models = [name for name, part in world.parts.items() if is_model(part)]
    for name in data.draw(st.sets(st.sampled_from(models))):
        world.parts[name] = with_code(world.parts[name], "select 1 -- one")
    if all(not outcome.status.halts for outcome in outcomes.values()):
        world.run_with_reuse()
        assert [node for node in world.ran if not _tests_an_ephemeral(world, node)] == []


def _tests_an_ephemeral(world: World, node: str) -> bool:
    part = world.parts[short_name(NodeId(node))]
    return part.resource_type is ResourceType.UNIT_TEST and world.parts[short_name(part.parents[0])].is_ephemeral
