"""What a retry runs."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.carve import carve
from orchestrator.plan.plan import Plan
from orchestrator.plan.repair_plan import RepairedRuns, repair
from orchestrator.plan.step import Cause, HookStep, StepId, Why
from tests.factories import make_plan
from tests.unit.execution.test_scheduler_properties import plans

KEPT = Cause(why=Why.SELECTED)


def past(statuses: Mapping[StepId, bool | None], gone: str = "", continued: str = "") -> RepairedRuns:
    """Sort steps by how they ended: well, not well, or None for not at all."""
    return RepairedRuns(
        all=frozenset(statuses),
        failed=frozenset(step_id for step_id, well in statuses.items() if well is False),
        well=frozenset(step_id for step_id, well in statuses.items() if well),
        gone=frozenset(map(StepId, gone.split())),
        continued=frozenset(map(StepId, continued.split())),
    )


def repaired(drawing: str, *, changed: str = "", gone: str = "", **ended: str) -> dict[str, str]:
    """Repair a drawn plan: what did not end well (`failed`, `unfinished`, `new`), the rest did; why each step runs."""
    plan = make_plan(drawing)
    told: dict[str, set[str]] = {word: set(names.split()) for word, names in ended.items()}
    new = told.get("new", set())
    statuses: Mapping[StepId, bool | None] = {
        step.id: False if step.id in told.get("failed", set()) else None
        if step.id in told.get("unfinished", set()) else True
        for step in plan.steps if step.id not in new
    }  # fmt: skip
    nodes = {NodeId(f"model.shop.{name}") for name in changed.split()}
    made = repair(plan, past(statuses, gone), nodes)
    return {step.id: step.cause.why.value for step in made.steps}


def above(plan: Plan) -> dict[str, set[str]]:
    """Give what can halt each step, directly or over others."""
    found: dict[str, set[str]] = {}
    left = list(plan.steps)
    while left:
        step = next(step for step in left if all(parent in found for parent in step.parents))
        left.remove(step)
        found[step.id] = set(step.parents).union(*(found[parent] for parent in step.parents))
    return found


def before(plan: Plan) -> dict[str, set[str]]:
    """Give what each step waits for, directly or over others."""
    found: dict[str, set[str]] = {}
    left = list(plan.steps)
    while left:
        step = next(step for step in left if all(other in found for other in (*step.parents, *step.after)))
        left.remove(step)
        others = {*step.parents, *step.after}
        found[step.id] = others.union(*(found[other] for other in others))
    return found


def test_failed_steps_and_their_halted_descendants_run_again() -> None:
    """a -> b -> c where b failed: b and c run, a stands."""
    assert repaired("a -> b -> c, d", failed="b", unfinished="c") == {"b": "failed", "c": "halted"}


def test_what_was_built_after_a_model_that_continues_is_built_again() -> None:
    """a -> b -> c beside d: `a` failed and continued, so `b` and `c` read its older rows; their checks run again.

    Today's plan need not say that `a` continues: the key was removed, or dbt ignores it.
    """
    drawn = make_plan("a -> b -> c, a -> test_a -> b, b -> test_b -> c, d")
    ended = {step.id: step.id != "a" for step in drawn.steps}
    made = repair(drawn, past(ended, continued="a"), set())
    assert {step.id: step.cause.why.value for step in made.steps} == {
        "a": "failed", "b": "follows", "c": "follows", "test_a": "checks", "test_b": "checks",
    }  # fmt: skip


def test_what_was_built_after_a_model_that_its_unit_test_skipped_is_built_again() -> None:
    """unit_a -> a -> b: `a` was skipped and continued, so `b` read its older rows."""
    drawn = make_plan("unit_a -> a -> b, c")
    ended: Mapping[StepId, bool | None] = {
        StepId("unit_a"): False,
        StepId("a"): None,
        StepId("b"): True,
        StepId("c"): True,
    }
    made = repair(drawn, past(ended, continued="a"), set())
    assert {step.id: step.cause.why.value for step in made.steps} == {"unit_a": "failed", "a": "halted", "b": "follows"}


def test_a_failed_check_runs_again_alone_when_nothing_was_fixed() -> None:
    """Its model stands: only the check, and what it halted, has to be done."""
    assert repaired("a -> test_a -> b, a -> b", failed="test_a", unfinished="b") == {
        "test_a": "failed", "b": "halted",
    }  # fmt: skip


def test_the_model_of_a_failed_check_is_rebuilt_once_it_is_fixed() -> None:
    """With every check of it; what ended well beside it stands."""
    assert repaired(
        "a -> test_a -> b, a -> suite_a -> b, a -> b, a -> c, z", failed="test_a", unfinished="b", changed="a z"
    ) == {"a": "changed", "test_a": "failed", "suite_a": "checks", "b": "halted"}


def test_nodes_between_a_fixed_model_and_a_failure_are_rebuilt() -> None:
    """The mend is two models above the failed check: both below it run, with their checks."""
    assert repaired("a -> b -> c -> test_c, b -> test_b -> c, a -> x", failed="test_c", changed="a") == {
        "a": "changed", "b": "follows", "c": "follows", "test_c": "failed", "test_b": "checks",
    }  # fmt: skip


def test_a_dropped_ancestor_of_a_failure_is_rebuilt() -> None:
    """With what lies between, and the checks; what was dropped elsewhere is not a matter of this run."""
    assert repaired("a -> b -> c, a -> test_a -> b, z", failed="c", gone="a z") == {
        "a": "gone", "test_a": "checks", "b": "follows", "c": "failed",
    }  # fmt: skip


def test_nodes_not_planned_before_run_where_a_repair_needs_them() -> None:
    """A new model above the failed one is built; a new one elsewhere is not a matter of this run."""
    assert repaired("n -> b, m", new="n m", failed="b") == {"n": "selected", "b": "failed"}


def test_hooks_run_when_dbt_builds_something() -> None:
    """They run once a process; a load alone needs none."""
    drawn = "hook_start, load_x, ~hook_start -> b, ~b -> hook_end"
    assert set(repaired(drawn, failed="b")) == {"hook_start", "b", "hook_end"}
    assert set(repaired(drawn, failed="load_x")) == {"load_x"}


def test_a_successful_run_needs_no_repair() -> None:
    """Also when its code has changed since: that is a new run."""
    assert repaired("a -> b", changed="a b") == {}


@given(plan=plans(), data=st.data())
def test_a_partial_plan_waits_and_halts_as_the_whole_plan_does(plan: Plan, data: st.DataObject) -> None:
    """Of any two steps that are kept, one is above the other exactly when it was; and so for those it comes after."""
    kept = {step.id for step in plan.steps if data.draw(st.booleans(), step.id)}
    carved = carve(plan, dict.fromkeys(kept, KEPT))
    assert {step.id for step in carved.steps} == kept
    for relation in (above, before):
        whole, part = relation(plan), relation(carved)
        assert part == {step_id: whole[step_id] & kept for step_id in kept}


@given(plan=plans(), data=st.data())
def test_nothing_that_succeeded_runs_again_without_a_cause(plan: Plan, data: st.DataObject) -> None:
    """Every step that did not end well runs; any other only because code changed above it, or as its check or hook."""
    statuses = {step.id: data.draw(st.sampled_from([True, False, None]), step.id) for step in plan.steps}
    changed = {step.node for step in plan.steps if hasattr(step, "node") and data.draw(st.booleans(), "changed")}
    made = repair(plan, past(statuses), changed)
    broken = {step.id for step in plan.steps if statuses[step.id] is not True and not isinstance(step, HookStep)}
    assert broken <= made.by_id.keys()
    for step in made.steps:
        match step.cause.why:
            case Why.CHANGED:
                assert statuses[step.id]
                assert step.node in changed
            case Why.FOLLOWS:
                assert any(
                    made.by_id[other].cause.why is Why.CHANGED for other in above(plan)[step.id] & made.by_id.keys()
                )
                assert any(step.id in above(plan)[other] for other in broken)
            case Why.CHECKS:
                assert statuses[step.id]
            case _:
                assert step.id in broken or isinstance(step, HookStep)
