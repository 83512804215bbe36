"""What the outcomes of a run amount to."""

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.verdict import (
    ExitCode,
    Kind,
    count_by_kind,
    count_by_status,
    exit_code,
    exit_code_of_error,
    first_causes,
    run_status,
    slowest,
)
from orchestrator.plan.status import Status
from tests.factories import make_outcome, make_plan


def skipped(step, blame, code=ReasonCode.UPSTREAM_HALTED):
    return make_outcome(step, Status.SKIPPED, code=code, blame=blame)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ((), Status.SUCCESS),
        ((Status.SUCCESS, Status.REUSED, Status.NO_DATA), Status.SUCCESS),
        ((Status.SUCCESS, Status.WARN), Status.WARN),
        ((Status.WARN, Status.FAIL), Status.FAIL),
        ((Status.FAIL, Status.ERROR), Status.ERROR),
    ],
)
def test_a_runs_status_is_that_of_its_worst_step(statuses, status):
    """An error outweighs a fail, a fail a warning; a reuse and a load without new rows are green."""
    assert run_status(make_outcome(f"s{at}", one) for at, one in enumerate(statuses)) is status


def test_a_run_that_the_user_interrupted_is_cancelled():
    """Even when a step had failed before: the run did not come to its end."""
    cut = make_outcome("b", Status.CANCELLED, code=ReasonCode.INTERRUPTED)
    assert run_status([make_outcome("a", Status.FAIL), cut]) is Status.CANCELLED


def test_a_step_that_a_limit_cancelled_makes_the_run_an_error():
    """Nobody interrupted the run, and a step did not come to its end."""
    assert run_status([make_outcome("a", Status.CANCELLED)]) is Status.ERROR


def test_a_skip_without_a_cause_makes_the_run_not_green():
    """A step that a tool skipped without saying why is an error of the run and a first cause."""
    outcome = make_outcome("a", Status.SKIPPED)
    assert run_status([outcome]) is Status.ERROR
    assert first_causes([outcome])[0].outcome is outcome


def test_steps_interrupted_by_fail_fast_leave_the_status_of_the_failure():
    """The user interrupted nothing."""
    cut = make_outcome("b", Status.CANCELLED, code=ReasonCode.FAIL_FAST, blame="a")
    assert run_status([make_outcome("a", Status.FAIL), cut]) is Status.FAIL


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.SUCCESS, 0),
        (Status.WARN, 0),
        (Status.REUSED, 0),
        (Status.NO_DATA, 0),
        (Status.FAIL, 1),
        (Status.ERROR, 1),
        (Status.SKIPPED, 1),
        (Status.CANCELLED, 130),
    ],
)
def test_each_status_of_a_run_has_its_exit_code(status, code):
    """0 also with warnings, 1 when something failed or erred, 130 when interrupted."""
    assert exit_code(status) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no"), ExitCode.USAGE),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (RuntimeError("bug"), ExitCode.INTERNAL),
    ],
)
def test_each_error_class_has_its_exit_code(error, code):
    """2 for the user's mistakes, 130 for Ctrl-C, 3 for a bug."""
    assert exit_code_of_error(error) is code


def test_skips_are_grouped_by_the_step_to_blame():
    """A fail that halted nothing is a cause too; the skipped steps are none."""
    outcomes = [make_outcome("a", Status.ERROR), skipped("b", "a"), make_outcome("t", Status.FAIL), skipped("c", "a")]
    causes = [(cause.outcome.step_id, cause.halted) for cause in first_causes(outcomes)]
    assert causes == [("a", ("b", "c")), ("t", ())]


def test_steps_interrupted_by_fail_fast_are_distinguished_from_descendants():
    """The cause halted its descendants; fail-fast skipped and interrupted the others."""
    cut = make_outcome("d", Status.CANCELLED, code=ReasonCode.FAIL_FAST, blame="a")
    outcomes = [make_outcome("a", Status.FAIL), skipped("b", "a"), skipped("c", "a", ReasonCode.FAIL_FAST), cut]
    (cause,) = first_causes(outcomes)
    assert (cause.halted, cause.broken_off) == (("b",), ("c", "d"))


def test_a_step_that_did_not_fail_can_be_the_cause_of_a_skip():
    """A load without new rows that was told to halt is named by what it halted."""
    (cause,) = first_causes([make_outcome("load", Status.NO_DATA), skipped("a", "load")])
    assert (cause.outcome.step_id, cause.halted) == ("load", ("a",))


def test_outcomes_are_counted_by_status_and_by_kind():
    """Only what occurs is counted, in the order of the lists of statuses and kinds."""
    plan = make_plan("test_a, b, c, load_d, suite_e, age_f, hook_start, own_g")
    outcomes = [make_outcome(step.id, Status.WARN if step.id == "b" else Status.SUCCESS) for step in plan.steps]
    assert count_by_status(outcomes) == {Status.SUCCESS: 7, Status.WARN: 1}
    counts = count_by_kind(plan, outcomes)
    assert list(counts) == list(Kind)
    assert counts[Kind.BUILD] == {Status.SUCCESS: 1, Status.WARN: 1}


def test_the_slowest_steps_come_longest_first():
    """Steps that did not run have no duration and are left out."""
    outcomes = [make_outcome("a", seconds=1), make_outcome("b", seconds=3), skipped("c", "a")]
    assert [outcome.step_id for outcome in slowest(outcomes)] == ["b", "a"]
    assert [outcome.step_id for outcome in slowest(outcomes, 1)] == ["b"]
