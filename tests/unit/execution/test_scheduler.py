"""What starts, what is skipped and whom a skip blames."""

from dataclasses import replace

import pytest

from orchestrator.config.node_wishes import OnNoData
from orchestrator.execution.lanes import Limits
from orchestrator.execution.load_rules import LoadRules
from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.scheduler import Scheduler
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan
from tests.unit.execution.scheduling import begun, finish, ids, reasons, statuses


def test_a_step_starts_when_its_last_parent_has_ended():
    """A -> C <- B: C starts with the end of the second parent, not of the first."""
    scheduler, first = begun("a -> c, b -> c")
    assert ids(first.start) == ["a", "b"]
    assert ids(scheduler.end(make_outcome("b")).start) == []
    assert ids(scheduler.end(make_outcome("a")).start) == ["c"]


@pytest.mark.parametrize("status", [Status.FAIL, Status.ERROR, Status.CANCELLED, Status.SKIPPED])
def test_a_halting_status_stops_exactly_the_descendants(status):
    """A -> B -> C beside D -> E: when A halts, B and C are skipped, D and E run."""
    outcomes = finish(make_plan("a -> b -> c, d -> e"), {"a": status})
    assert statuses(outcomes) == {
        "a": status, "b": "skipped", "c": "skipped", "d": "success", "e": "success"
    }  # fmt: skip


@pytest.mark.parametrize("status", [Status.WARN, Status.REUSED, Status.NO_DATA])
def test_a_status_that_does_not_halt_lets_the_children_run(status):
    """A warning, a reuse and a load without new rows let everything downstream go on."""
    assert statuses(finish(make_plan("a -> b"), {"a": status})) == {"a": status, "b": "success"}


def test_a_load_without_new_rows_skips_its_descendants_when_asked():
    """Load -> A -> B beside C: with `on_no_data: skip` A and B are skipped because of the load, C runs."""
    outcomes = finish(
        make_plan("load -> a -> b, c"), {"load": Status.NO_DATA}, loads=LoadRules(on_no_data=OnNoData.SKIP)
    )
    assert statuses(outcomes) == {"load": "no_data", "a": "skipped", "b": "skipped", "c": "success"}
    assert reasons(outcomes) == {"a": "no_new_data load", "b": "no_new_data load"}


def test_a_skip_blames_the_root_of_the_halt():
    """A -> B -> C: C is skipped because of A, not because of the skipped B."""
    outcomes = finish(make_plan("a -> b -> c"), {"a": Status.ERROR})
    assert reasons(outcomes) == {"b": "upstream_halted a", "c": "upstream_halted a"}


def test_skips_cascade_at_once():
    """All that a halting step skips is told in one decision, also while another parent still runs."""
    scheduler, _ = begun("a -> b -> c -> d, slow -> d")
    decision = scheduler.end(make_outcome("a", Status.FAIL))
    assert [outcome.step_id for outcome in decision.outcomes] == ["a", "b", "c", "d"]
    assert scheduler.end(make_outcome("slow")).ended


def test_with_two_halting_parents_the_one_that_ended_first_is_blamed():
    """A -> C <- B: whichever parent ended first skipped C; the other adds nothing."""
    outcomes = finish(make_plan("a -> c, b -> c"), {"a": Status.FAIL, "b": Status.FAIL}, pick=max)
    assert reasons(outcomes) == {"c": "upstream_halted b"}


def test_an_edge_without_halting_waits_but_never_skips():
    """~A -> B: B waits for A and runs however A ended, also when A was skipped."""
    scheduler, first = begun("root -> a, ~a -> b")
    assert ids(first.start) == ["root"]
    assert ids(scheduler.end(make_outcome("root", Status.ERROR)).start) == ["b"]


def test_a_step_that_is_both_parent_and_before_counts_once():
    """A -> B and ~A -> B: one wait, and it halts."""
    assert statuses(finish(make_plan("a -> b, ~a -> b"), {"a": Status.FAIL}))["b"] == "skipped"
    assert statuses(finish(make_plan("a -> b, ~a -> b"), {}))["b"] == "success"


def test_the_longest_remaining_path_starts_first():
    """With one free place the step with the longest way to the end goes first; ties go by the plan's order."""
    scheduler, first = begun("short, other, long -> x -> y", Limits(dbt=1))
    assert ids(first.start) == ["long"]
    assert ids(scheduler.end(make_outcome("long")).start) == ["x"]
    assert ids(scheduler.end(make_outcome("x")).start) == ["short"]


def test_expected_seconds_weigh_the_paths():
    """A single slow step goes before a chain of quick ones."""
    _, first = begun("chain -> x -> y, slow", Limits(dbt=1), expected_seconds={"slow": 60.0})
    assert ids(first.start) == ["slow"]


def drawn_in_pools(drawing: str, **pools: str) -> Plan:
    plan = make_plan(drawing)
    return replace(plan, steps=tuple(replace(step, pool=pools.get(step.id)) for step in plan.steps))


def test_a_pool_limits_steps_of_all_kinds():
    """A load and two models read the ERP, which takes two at once; what is in no pool starts meanwhile."""
    plan = drawn_in_pools("load_x, a, b, c", load_x="erp", a="erp", b="erp")
    scheduler = Scheduler(plan, Limits(dbt=4, pools={"erp": 2}))
    assert ids(scheduler.begin().start) == ["a", "b", "c"]
    assert ids(scheduler.end(make_outcome("a")).start) == ["load_x"]


def test_a_free_slot_of_a_pool_goes_to_the_most_urgent_step_that_waits_for_it():
    """B has the longest way to the end of those that wait."""
    plan = drawn_in_pools("first -> x -> y -> z, a, b -> c", first="erp", a="erp", b="erp")
    scheduler = Scheduler(plan, Limits(dbt=4, pools={"erp": 1}))
    assert ids(scheduler.begin().start) == ["first"]
    assert ids(scheduler.end(make_outcome("first")).start) == ["x", "b"]
    assert ids(scheduler.end(make_outcome("b")).start) == ["a", "c"]


def test_a_step_that_fails_or_waits_for_its_repeat_frees_its_slot_in_the_pool():
    """Both leave room for the next."""
    plan = drawn_in_pools("a, b, c", a="erp", b="erp", c="erp")
    scheduler = Scheduler(plan, Limits(dbt=4, pools={"erp": 1}))
    scheduler.begin()
    assert ids(scheduler.pause(make_outcome("a", Status.ERROR)).start) == ["b"]
    assert ids(scheduler.end(make_outcome("b", Status.FAIL)).start) == ["c"]
    assert ids(scheduler.again(StepId("a")).start) == []
    assert ids(scheduler.end(make_outcome("c")).start) == ["a"]


def test_a_step_in_a_pool_without_a_limit_is_refused():
    """It could run as often as it likes."""
    with pytest.raises(ValueError, match="the step a is in the pool erp, which has no limit"):
        Scheduler(drawn_in_pools("a", a="erp"), Limits())


def prioritized(drawing: str, **priorities: int) -> Plan:
    plan = make_plan(drawing)
    return replace(plan, steps=tuple(replace(step, priority=priorities.get(step.id)) for step in plan.steps))


def test_what_an_urgent_step_waits_for_is_as_urgent():
    """The parent of the report starts before the head of a longer chain; a low priority comes last."""
    plan = prioritized("later, long -> x -> y -> z, parent -> report", report=5, later=-1)
    scheduler = Scheduler(plan, Limits(dbt=1))
    started = [*ids(scheduler.begin().start)]
    for _ in range(6):
        started += ids(scheduler.end(make_outcome(started[-1])).start)
    assert started == ["parent", "report", "long", "x", "y", "z", "later"]


def test_each_lane_has_its_own_limit():
    """Loads, validations and loads' ages do not wait for a place of dbt, nor the other way round."""
    limits = Limits(dbt=2, ingest=1, validate=1, light=1)
    _, first = begun("a, b, c, fresh_x, load_1, load_2, suite_1, suite_2, age_1, age_2", limits)
    assert ids(first.start) == ["a", "b", "load_1", "suite_1", "age_1"]


def test_a_failed_on_run_start_hook_does_not_halt_by_itself():
    """~hook -> A, as the planner draws it: dbt's nodes run after a failed on-run-start."""
    outcomes = finish(make_plan("~hook_start -> a"), {"hook_start": Status.ERROR})
    assert statuses(outcomes) == {"hook_start": "error", "a": "success"}


def test_an_on_run_start_hook_that_raised_halts_everything_that_waits_for_it():
    """~hook -> A -> B, ~hook -> last hook, C: only what is not dbt's goes on, as dbt gives up there."""
    drawing = "~hook_start -> a, a -> b, ~hook_start -> hook_end, ~a -> hook_end, load_1"
    scheduler, first = begun(drawing, Limits(dbt=2))
    assert ids(first.start) == ["hook_start", "load_1"]
    raised = make_outcome("hook_start", Status.ERROR, code=ReasonCode.NOT_EVALUATED)
    decision = scheduler.end(raised)
    assert reasons({outcome.step_id: outcome for outcome in decision.outcomes[1:]}) == dict.fromkeys(
        ["a", "b", "hook_end"], "on_run_start_failed hook_start"
    )
    assert (decision.start, decision.ended) == ((), False)


def test_a_failed_on_run_start_hook_that_is_a_parent_says_so():
    """Hook -> A -> B, as drawn under skip_nodes_if_on_run_start_fails: the reason names the hook."""
    outcomes = finish(make_plan("hook_start -> a -> b"), {"hook_start": Status.ERROR})
    assert reasons(outcomes) == {"a": "on_run_start_failed hook_start", "b": "on_run_start_failed hook_start"}


def test_fail_fast_starts_nothing_after_the_first_failure():
    """What runs is interrupted, descendants are skipped as ever, all others because of fail-fast."""
    scheduler, first = begun("a -> b, c -> d, e", Limits(dbt=2), fail_fast=True)
    assert ids(first.start) == ["a", "c"]
    decision = scheduler.end(make_outcome("a", Status.FAIL))
    assert reasons({outcome.step_id: outcome for outcome in decision.outcomes}) == {
        "b": "upstream_halted a", "d": "fail_fast a", "e": "fail_fast a"
    }  # fmt: skip
    assert (ids(decision.interrupt), decision.start, decision.ended) == (["c"], (), False)


def test_an_error_of_a_step_that_fail_fast_interrupted_is_its_interruption():
    """The tool reports the interrupted query as an error; the step is cancelled, and the first failure is blamed."""
    scheduler, _ = begun("a, b", fail_fast=True)
    scheduler.end(make_outcome("a", Status.ERROR))
    (outcome,) = scheduler.end(make_outcome("b", Status.ERROR, message="INTERRUPT Error")).outcomes
    assert (outcome.status, outcome.reason.code, outcome.reason.blame) == (
        Status.CANCELLED, ReasonCode.FAIL_FAST, "a"
    )  # fmt: skip
    assert outcome.message == "INTERRUPT Error"


def test_fail_fast_blames_the_first_failure_only():
    """A running step that fails later, of itself, takes no blame for what was interrupted before."""
    scheduler, _ = begun("a, b, c", fail_fast=True)
    scheduler.end(make_outcome("a", Status.ERROR))
    assert scheduler.end(make_outcome("b", Status.FAIL)).outcomes[0].status is Status.FAIL
    assert scheduler.end(make_outcome("c", Status.ERROR)).outcomes[0].reason.blame == "a"


def test_a_step_that_succeeds_in_spite_of_the_interruption_keeps_its_status():
    """Work that was finished is finished."""
    scheduler, _ = begun("a, b", fail_fast=True)
    scheduler.end(make_outcome("a", Status.ERROR))
    assert scheduler.end(make_outcome("b", Status.WARN)).outcomes[0].status is Status.WARN


@pytest.mark.parametrize("fail_fast", [False, True])
def test_on_run_end_hooks_run_after_failures(fail_fast):
    """As in dbt, on-run-end runs last whatever happened before, under fail-fast too."""
    plan = make_plan("a -> b, c, ~a -> hook_end, ~b -> hook_end, ~c -> hook_end")
    outcomes = finish(plan, {"a": Status.ERROR}, limits=Limits(dbt=1), fail_fast=fail_fast)
    assert list(outcomes)[-1] == "hook_end"
    assert outcomes["hook_end"].status is Status.SUCCESS


def test_a_failing_hook_does_not_trigger_fail_fast():
    """As in dbt, only nodes end a run early: after a failing on-run-start they still run."""
    outcomes = finish(make_plan("~hook_start -> a, a -> b"), {"hook_start": Status.ERROR}, fail_fast=True)
    assert statuses(outcomes) == {"hook_start": "error", "a": "success", "b": "success"}


def test_a_warning_does_not_trigger_fail_fast():
    """Only a fail or an error ends a run early."""
    assert statuses(finish(make_plan("a -> b"), {"a": Status.WARN}, fail_fast=True))["b"] == "success"


def test_a_stop_cancels_the_rest_and_interrupts_what_runs():
    """Nothing starts after a stop, on-run-end hooks included; the run ends when the running steps have."""
    scheduler, _ = begun("a -> b, ~b -> hook_end")
    decision = scheduler.stop()
    assert reasons({outcome.step_id: outcome for outcome in decision.outcomes}) == {
        "b": "interrupted", "hook_end": "interrupted"
    }  # fmt: skip
    assert (ids(decision.interrupt), decision.ended) == (["a"], False)
    last = scheduler.end(make_outcome("a", Status.ERROR))
    assert (last.outcomes[0].status, last.start, last.ended) == (Status.CANCELLED, (), True)


def test_a_stopped_run_can_end_without_the_steps_that_still_run():
    """Abandoned steps are cancelled, each once, and late ends of theirs are refused."""
    scheduler, _ = begun("a -> b, c")
    scheduler.stop()
    decision = scheduler.abandon()
    assert ([outcome.step_id for outcome in decision.outcomes], decision.ended) == (["a", "c"], True)
    with pytest.raises(ValueError, match="a ended but was not running"):
        scheduler.end(make_outcome("a"))


def test_an_empty_plan_is_finished_from_the_start():
    """Without steps there is nothing to wait for."""
    assert begun("")[1].ended


def test_a_plan_whose_steps_wait_for_each_other_is_refused():
    """A circle would never end: it is a bug of the planner and says which steps it holds."""
    with pytest.raises(ValueError, match="in a cycle: b, c"):
        Scheduler(make_plan("a -> b -> c, ~c -> b"), Limits())


def test_a_plan_that_waits_for_an_unknown_step_is_refused():
    """A step that is not in the plan never ends."""
    plan = make_plan("a -> b")
    with pytest.raises(ValueError, match="b waits for a, which the plan does not hold"):
        Scheduler(type(plan)(steps=plan.steps[1:]), Limits())


def test_a_limit_of_zero_is_refused():
    """A lane without a place would never end."""
    with pytest.raises(ValueError, match="lane ingest is 0"):
        Limits(ingest=0)
