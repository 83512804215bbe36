"""The loop: tries that follow each other, limits of tries and of the run, and the grace of a stopped run."""

from datetime import timedelta

import pytest

from orchestrator.execution.events import AttemptEnded
from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome
from tests.fakes.step_runner import FakeStepRunner
from tests.unit.execution.looping import TryOut


def busy(step: str):
    return make_outcome(step, Status.ERROR, error_class=ErrorClass.TRANSIENT, message="the server is busy")


class Waiting:
    """Sets the clock forward as soon as a step waits for its next try, so that no test waits."""

    def __init__(self, seconds: float = 3600) -> None:
        self.tried: TryOut | None = None
        self.seconds = seconds

    def hear(self, event) -> None:
        if isinstance(event, AttemptEnded) and self.tried is not None:
            self.tried.clock.advance(self.seconds)


def tried(drawing: str, runner: FakeStepRunner, *, policies, wait: float = 3600, **options) -> TryOut:
    waiting = Waiting(wait)
    waiting.tried = TryOut(drawing, runner, listeners=[waiting], rules={"policies": policies}, **options)
    return waiting.tried


TWICE = {"a": RepeatPolicy(repeats=2)}


def test_a_transient_error_is_followed_by_another_attempt():
    """The end of each try is told, the step ends once, and what is below starts after the last."""
    run = tried("a -> b", FakeStepRunner({"a": [busy("a"), busy("a"), Status.SUCCESS]}), policies=TWICE).run()
    assert run.heard.lines == [
        "run",
        "start a",
        "a error, attempt 2 of 3 follows",
        "start a",
        "a error, attempt 3 of 3 follows",
        "start a",
        "a success",
        "start b",
        "b success",
        "end success",
    ]


def test_attempts_before_a_resume_are_counted():
    """Attempts have their numbers in the record; the policy allows as many more as in a new run."""
    runner = FakeStepRunner({"a": [busy("a"), Status.SUCCESS]})
    run = tried("a", runner, policies=TWICE, tried={StepId("a"): 4}).run()
    assert run.heard.lines[2] == "a error, attempt 6 of 7 follows"


def test_after_the_last_attempt_the_error_halts_its_descendants():
    """As an error that is not tried again does."""
    run = tried("a -> b", FakeStepRunner({"a": busy("a")}), policies={"a": RepeatPolicy(repeats=1)}).run()
    assert run.statuses == {"a": "error", "b": "skipped"}
    assert run.heard.lines.count("start a") == 2


def test_a_waiting_step_frees_its_slot():
    """One place: while A waits, B runs."""
    runner = FakeStepRunner({"a": [busy("a"), Status.SUCCESS]}, held=["b"])
    run = tried("a, b", runner, policies=TWICE, wait=0, limits=Limits(dbt=1)).start()
    runner.wait_for("b")
    assert runner.ran == ["a", "b"]
    run.clock.advance(3600)
    runner.release("b")
    assert run.join().statuses == {"a": "success", "b": "success"}
    assert runner.ran == ["a", "b", "a"]


def test_the_wait_is_measured_by_the_clock():
    """The next try starts when its time has come, not before; what is told is the time of day of it."""
    runner = FakeStepRunner({"a": [busy("a"), Status.SUCCESS]}, held=["b"])
    run = tried("a, b", runner, policies=TWICE, wait=4.9).start()
    runner.wait_for("b")
    run.until("follows")
    (again,) = [event for event in run.heard.events if isinstance(event, AttemptEnded)]
    assert again.again_at - again.at == timedelta(seconds=5)
    assert runner.ran.count("a") == 1
    run.clock.advance(0.1)
    runner.release("b")
    assert run.join().statuses == {"a": "success", "b": "success"}


@pytest.mark.parametrize("insist", [False, True])
def test_a_stop_ends_a_waiting_step_with_its_last_error(insist):
    """It is not cancelled: what became of it is known."""
    runner = FakeStepRunner({"a": busy("a")}, held=["b"])
    run = tried("a -> c, b", runner, policies=TWICE, wait=0).start()
    runner.wait_for("b")
    run.until("follows")
    run.stop.set()
    if insist:
        run.stop.insist()
    assert run.join().statuses == {"a": "error", "c": "cancelled", "b": "cancelled"}
    assert run.message("a") == "the server is busy"


def test_a_run_interrupted_while_waiting_is_recorded_as_interrupted():
    """Nobody else ran: the run is cancelled, as after any Ctrl-C."""
    run = tried("a", FakeStepRunner({"a": busy("a")}), policies=TWICE, wait=0).start()
    run.until("follows")
    run.stop.set()
    assert run.join().heard.lines[-2:] == ["a error", "end cancelled"]
    assert run.outcomes[0].reason.code is ReasonCode.INTERRUPTED


def test_fail_fast_ends_a_waiting_step_with_its_last_error():
    """B fails while A waits: A is not tried again, and what is below A is skipped."""
    runner = FakeStepRunner({"a": busy("a"), "b": Status.FAIL}, held=["b"])
    run = tried("a -> c, b", runner, policies=TWICE, wait=0, fail_fast=True).start()
    run.until("follows")
    runner.release("b")
    assert run.join().statuses == {"a": "error", "c": "skipped", "b": "fail"}


LIMITED = {"a": RepeatPolicy(repeats=1, time_limit=timedelta(minutes=30))}


def test_only_the_attempt_over_its_time_limit_is_interrupted():
    """A is an error with the reason, what is below it is skipped, B goes on."""
    runner = FakeStepRunner(held=["a", "b"])
    run = tried("a -> c, b -> d", runner, policies=LIMITED).start()
    runner.wait_for("a")
    runner.wait_for("b")
    run.clock.advance(1800)
    run.until("c skipped")
    runner.release("b")
    assert run.join().statuses == {"a": "error", "c": "skipped", "b": "success", "d": "success"}
    assert run.outcomes[0].reason.code is ReasonCode.TIME_LIMIT
    assert runner.ran.count("a") == 1


def test_a_time_limit_is_retried_where_the_policy_says_so():
    """Some sources hang now and then."""
    policy = RepeatPolicy(repeats=1, time_limit=timedelta(minutes=30), repeats_time_limit=True)
    runner = FakeStepRunner(held=["a"])
    run = tried("a", runner, policies={"a": policy}).start()
    runner.wait_for("a")
    run.clock.advance(1800)
    assert run.join().heard.lines[2:] == [
        "a error, attempt 2 of 2 follows",
        "start a",
        "a success",
        "end success",
    ]


def test_a_step_that_outlives_its_time_limit_is_abandoned_and_its_slot_reused():
    """A deaf step in the only place: it is an error after the patience, and B runs though A still does."""
    runner = FakeStepRunner(held=["a"], deaf=True)
    run = tried("a -> c, b", runner, policies=LIMITED, limits=Limits(dbt=1)).start()
    runner.wait_for("a")
    run.clock.advance(1800)
    assert runner.interrupted.wait(60)
    run.clock.advance(5)
    assert run.join().statuses == {"a": "error", "c": "skipped", "b": "success"}
    assert run.outcomes[0].elapsed == timedelta(seconds=1805)
    runner.release("a")


def test_output_of_an_abandoned_step_is_ignored():
    """Its outcome was recorded: a success that comes late changes nothing."""
    runner = FakeStepRunner(held=["a", "b"], deaf=True)
    run = tried("a -> c, b", runner, policies=LIMITED).start()
    runner.wait_for("a")
    runner.wait_for("b")
    run.clock.advance(1800)
    assert runner.interrupted.wait(60)
    run.clock.advance(5)
    run.until("a error")
    runner.release("a")
    runner.release("b")
    assert run.join().statuses == {"a": "error", "c": "skipped", "b": "success"}


def test_a_run_over_its_limit_ends_as_if_it_was_stopped():
    """What runs and what waits is cancelled with the reason; the run is not green, and was not interrupted."""
    runner = FakeStepRunner(held=["a"])
    run = TryOut("a -> b", runner, rules={"run_limit": timedelta(hours=6)}).start()
    runner.wait_for("a")
    run.clock.advance(6 * 3600)
    assert run.join().statuses == {"a": "cancelled", "b": "cancelled"}
    assert {outcome.reason.code for outcome in run.outcomes} == {ReasonCode.RUN_TIME_LIMIT}
    assert run.heard.lines[-1] == "end error"
    assert sum("time limit of the run" in line for line in run.heard.lines) == 1


def test_within_the_grace_period_running_steps_may_finish_and_none_starts():
    """A ends by itself within the grace: it is a success; B never starts."""
    runner = FakeStepRunner(held=["a"])
    run = TryOut("a -> b, c", runner, limits=Limits(dbt=1), grace=timedelta(seconds=60)).start()
    runner.wait_for("a")
    run.stop.press()
    run.until("b cancelled")
    assert not runner.interrupted.is_set()
    runner.release("a")
    assert run.join().statuses == {"a": "success", "b": "cancelled", "c": "cancelled"}
    assert run.heard.lines[-1] == "end cancelled"


def test_when_the_grace_period_ends_running_steps_are_interrupted():
    """Then it is cancelled."""
    runner = FakeStepRunner(held=["a"])
    run = TryOut("a -> b", runner, grace=timedelta(seconds=60)).start()
    runner.wait_for("a")
    run.stop.press()
    run.until("b cancelled")
    run.clock.advance(60)
    assert run.join().statuses == {"a": "cancelled", "b": "cancelled"}


def test_a_second_signal_ends_the_grace_period():
    """Who insists waits for nothing."""
    runner = FakeStepRunner(held=["a"], deaf=True)
    run = TryOut("a", runner, grace=timedelta(hours=1)).start()
    runner.wait_for("a")
    run.stop.press()
    run.stop.press()
    assert run.join().statuses == {"a": "cancelled"}
    runner.release("a")
