"""What the end of a model with `on_error: continue` halts."""

from dataclasses import replace

import pytest

from orchestrator.execution.continued_errors import is_continued
from orchestrator.execution.outcome import Reason, ReasonCode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan, make_step
from tests.unit.execution.scheduling import finish, statuses


def continuing(drawing: str, *names: str) -> Plan:
    """Draw a plan in which the steps of these names continue on an error; a step `unit_a…` is a unit test of `a`."""
    steps = []
    for step in make_plan(drawing).steps:
        if step.id in names:
            steps.append(replace(step, continues_on_error=True))
        elif step.id.startswith("unit"):
            test = replace(make_step(f"test_{step.id}", parents=step.parents), resource_type=ResourceType.UNIT_TEST)
            steps.append(replace(test, id=step.id, of_model=NodeId(f"model.shop.{step.id.split('_')[1]}")))
        else:
            steps.append(step)
    return Plan(steps=tuple(steps))


def test_its_own_error_halts_nothing() -> None:
    """A -> B -> C: when A continues on its error, B and C run."""
    outcomes = finish(continuing("a -> b -> c", "a"), {"a": Status.ERROR})
    assert statuses(outcomes) == {"a": "error", "b": "success", "c": "success"}


def test_an_error_upstream_halts_its_children_too() -> None:
    """Root -> A -> B: the error of the root skips both, although A continues on its own errors."""
    outcomes = finish(continuing("root -> a -> b", "a"), {"root": Status.ERROR})
    assert statuses(outcomes) == {"root": "error", "a": "skipped", "b": "skipped"}


def test_a_data_test_of_it_halts_its_children() -> None:
    """A -> test -> B, A -> B: the test is not the model."""
    plan = continuing("a -> test_a -> b, a -> b", "a")
    assert statuses(finish(plan, {"a": Status.ERROR, "test_a": Status.FAIL}))["b"] == "skipped"
    assert statuses(finish(plan, {"a": Status.ERROR}))["b"] == "success"


def test_its_own_unit_test_skips_the_model_alone() -> None:
    """Unit -> A -> B: A is skipped, and B runs, as in dbt; a unit test of a parent skips both."""
    own = finish(continuing("unit_a -> a -> b", "a"), {"unit_a": Status.FAIL})
    assert statuses(own) == {"unit_a": "fail", "a": "skipped", "b": "success"}
    of_parent = finish(continuing("unit_root -> root -> a -> b", "a"), {"unit_root": Status.FAIL})
    assert statuses(of_parent) == {"unit_root": "fail", "root": "skipped", "a": "skipped", "b": "skipped"}


def test_the_first_of_several_unit_tests_skips_the_model_alone_too() -> None:
    """They run one after another: the model waits for the last, and blames the first, which is its own."""
    outcomes = finish(continuing("unit_a_1 -> unit_a_2 -> a -> b", "a"), {"unit_a_1": Status.ERROR})
    assert statuses(outcomes) == {"unit_a_1": "error", "unit_a_2": "skipped", "a": "skipped", "b": "success"}


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SKIPPED])
def test_another_end_of_it_halts(status: Status) -> None:
    """A cancelled model, and one that was skipped for a reason that is no unit test, halt their children."""
    step = replace(make_step("a"), continues_on_error=True)
    outcome = replace(make_outcome("a", status), reason=Reason(code=ReasonCode.INTERRUPTED))
    assert not is_continued(step, outcome, None)
    blamed = make_step("test_of_another")
    outcome = replace(outcome, reason=Reason(code=ReasonCode.UPSTREAM_HALTED, blame=StepId(blamed.id)))
    assert not is_continued(step, outcome, blamed)


def test_a_step_that_does_not_continue_halts() -> None:
    """The default."""
    assert not is_continued(make_step("a"), make_outcome("a", Status.ERROR), None)
