"""What a run does and says from its first step to its last."""

import pytest

from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.events import NoticeKind, RunEnded, RunStarted, StepEnded
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Limits
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.ports import Unrecorded
from orchestrator.execution.routes import Tool
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.status import Status
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import FixedClock
from tests.fakes.listener import RaisingListener
from tests.fakes.step_runner import FakeStepRunner
from tests.unit.execution.looping import TryOut


def test_listeners_hear_what_happened_in_its_order():
    """A -> B -> C where B fails: the start and end of each, and C ends without having started."""
    tried = TryOut("a -> b -> c", FakeStepRunner({"b": Status.FAIL})).run()
    assert tried.heard.lines == [
        "run", "start a", "a success", "start b", "b fail", "c skipped", "end fail"
    ]  # fmt: skip


def test_the_first_and_last_event_say_what_the_run_was():
    """The start carries the plan and the database, the end every outcome in the plan's order."""
    tried = TryOut("b, a -> c", FakeStepRunner()).run()
    first, last = tried.heard.events[0], tried.heard.events[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunEnded)
    assert (first.run_id, first.plan, first.database) == ("r1", tried.plan, "shop.duckdb")
    assert [outcome.step_id for outcome in last.outcomes] == ["b", "a", "c"]
    assert last.outcomes == tried.outcomes


def test_an_empty_plan_is_a_run_without_steps():
    """It starts, ends and is a success."""
    assert TryOut("", FakeStepRunner()).run().heard.lines == ["run", "end success"]


def test_an_outcome_without_times_or_path_gets_them():
    """The clock of the run and the path of the step fill what a runner left open, not what it said."""
    given = make_outcome("b", path="b.sql", seconds=7)
    first, second = TryOut("a, b", FakeStepRunner({"b": given})).run().outcomes
    assert (first.started_at, first.path) == (FixedClock().now, "models/a.sql")
    assert second == given


def test_a_runner_that_raises_is_an_error_of_its_step_only(caplog):
    """The bug is logged with its traceback, descendants are skipped, the rest runs."""
    tried = TryOut("a -> b, c", FakeStepRunner({"a": ZeroDivisionError("oh")})).run()
    assert tried.statuses == {"a": "error", "b": "skipped", "c": "success"}
    assert tried.message("a") == "internal error: ZeroDivisionError: oh"
    assert "ZeroDivisionError" in caplog.text


def test_a_model_that_exits_the_process_is_an_error_of_its_step():
    """`sys.exit()` in a Python model ends neither the thread nor the run."""
    tried = TryOut("a, b", FakeStepRunner({"a": SystemExit(0)}), limits=Limits(dbt=1)).run()
    assert tried.statuses == {"a": "error", "b": "success"}


@pytest.mark.parametrize("given", [[], ["b"], ["a", "a"]])
def test_a_runner_that_does_not_return_exactly_one_outcome_is_an_error_of_the_step(given):
    """None, one of another step, and two are refused: the run neither hangs nor trusts them."""
    tried = TryOut("a", FakeStepRunner({"a": lambda _: [make_outcome(name) for name in given]})).run()
    assert tried.statuses == {"a": "error"}
    assert tried.message("a").startswith("internal error: the runner must return one outcome for a, and returned")


def test_a_listener_that_raises_changes_nothing_and_is_reported_once():
    """The others hear one warning; the listener itself still hears every event."""
    raising = RaisingListener()
    tried = TryOut("a -> b", FakeStepRunner(), listeners=[raising]).run()
    warning = "warning: RaisingListener could not handle an event: RuntimeError: the terminal is gone"
    assert sorted(tried.heard.lines) == sorted(
        ["run", warning, "start a", "a success", "start b", "b success", "end success"]
    )
    assert raising.heard == 6


def test_notices_of_other_threads_are_delivered_in_order():
    """What a step had to say comes before its end, what was said before the run right after its start."""

    def warn(request):
        tried.inbox.post(NoticeKind.WARNING, "old syntax", step_id=request.step.id)
        return [make_outcome("a")]

    tried = TryOut("a", FakeStepRunner({"a": warn}))
    tried.inbox.post(NoticeKind.PRINTED, "hello")
    tried.run()
    assert tried.heard.lines == [
        "run", "start a", "printed: hello", "warning: old syntax", "a success", "end success"
    ]  # fmt: skip


def test_the_last_notices_are_delivered_before_the_end():
    """What is posted while the last step's end is recorded still belongs to the run."""

    class Posting(Unrecorded):
        def record(self, events):
            if isinstance(events[0], StepEnded):
                tried.inbox.post(NoticeKind.WARNING, "late")
            return super().record(events)

    tried = TryOut("a", FakeStepRunner(), writer=Posting())
    assert tried.run().heard.lines[-2:] == ["warning: late", "end success"]


def test_steps_run_side_by_side_up_to_the_limit():
    """Three independent steps and two places: two run, the third starts when one has ended."""
    runner = FakeStepRunner(held=["a", "b", "c"])
    tried = TryOut("a, b, c", runner, limits=Limits(dbt=2)).start()
    runner.wait_for("a")
    runner.wait_for("b")
    assert sorted(runner.ran) == ["a", "b"]
    runner.release("a")
    runner.wait_for("c")
    runner.release("b")
    runner.release("c")
    assert tried.join().statuses == {"a": "success", "b": "success", "c": "success"}
    assert runner.most_at_once == 2


def test_threads_are_reused_and_never_keep_the_process_alive():
    """A chain of steps needs one thread, and it is a daemon."""
    runner = FakeStepRunner()
    TryOut("a -> b -> c -> d", runner).run()
    (thread,) = runner.threads
    assert thread.daemon


def test_a_stop_interrupts_what_runs_and_cancels_the_rest():
    """The interrupted step's error is its interruption; on-run-end does not run; the run is cancelled."""
    runner = FakeStepRunner(held=["a"])
    tried = TryOut("a -> b, ~b -> hook_end", runner).start()
    runner.wait_for("a")
    tried.stop.set()
    assert tried.join().statuses == {"a": "cancelled", "b": "cancelled", "hook_end": "cancelled"}
    assert {outcome.reason.code for outcome in tried.outcomes} == {ReasonCode.INTERRUPTED}
    assert tried.heard.lines[-1] == "end cancelled"
    assert runner.interrupted.is_set()


def test_an_interrupt_that_came_too_early_is_repeated():
    """A step between two queries does not notice the first one: it is interrupted again until it ends."""

    class HardOfHearing(FakeStepRunner):
        def interrupt(self, steps):
            if self.interrupted.is_set():
                super().interrupt(steps)
            self.interrupted.set()

    tried = TryOut("a", HardOfHearing(held=["a"])).start()
    tried.runner.wait_for("a")
    tried.stop.set()
    assert tried.join().statuses == {"a": "cancelled"}


def test_a_run_that_was_stopped_before_it_began_runs_nothing():
    """Every step is cancelled."""
    tried = TryOut("a -> b", FakeStepRunner())
    tried.stop.set()
    assert tried.run().heard.lines == ["run", "a cancelled", "b cancelled", "end cancelled"]
    assert tried.runner.ran == []


def test_a_stopped_run_abandons_what_does_not_end_in_time():
    """A model that computes for ever is cancelled without waiting for it."""
    runner = FakeStepRunner(held=["a"], deaf=True)
    tried = TryOut("a, b -> c", runner).start()
    runner.wait_for("a")
    tried.stop.set()
    runner.interrupted.wait(60)
    tried.clock.advance(5)
    assert tried.join().statuses["a"] == "cancelled"
    assert tried.message("a") == "did not end in time"
    runner.release("a")


def test_a_second_interrupt_ends_the_run_at_once():
    """A second Ctrl-C waits for nothing, however long the patience."""
    runner = FakeStepRunner(held=["a"], deaf=True)
    tried = TryOut("a -> b", runner).start()
    runner.wait_for("a")
    tried.stop.press()
    tried.stop.press()
    assert tried.join().statuses == {"a": "cancelled", "b": "cancelled"}
    runner.release("a")


def test_a_keyboard_interrupt_without_a_handler_stops_the_run():
    """In a notebook Ctrl-C is raised in the loop itself: it counts as a stop, not as a crash."""

    class InterruptedInbox(Inbox):
        def take(self, timeout):
            tried.runner.wait_for("a")
            if not tried.stop.is_set():
                raise KeyboardInterrupt
            return super().take(timeout)

    tried = TryOut("a -> b", FakeStepRunner(held=["a"]))
    tried.inbox = InterruptedInbox(tried.clock)
    assert tried.run().statuses == {"a": "cancelled", "b": "cancelled"}


def test_fail_fast_interrupts_running_steps_and_still_runs_the_on_run_end_hooks():
    """A fails while B runs: B is interrupted and names A, C is skipped, on-run-end runs."""
    runner = FakeStepRunner({"a": Status.ERROR}, held=["a", "b"])
    tried = TryOut("a, b -> c, ~a -> hook_end, ~c -> hook_end", runner, fail_fast=True).start()
    runner.wait_for("b")
    runner.wait_for("a")
    runner.release("a")
    tried.join()
    assert tried.statuses == {"a": "error", "b": "cancelled", "c": "skipped", "hook_end": "success"}
    assert {str(outcome.reason.blame) for outcome in tried.outcomes[1:3]} == {"a"}
    assert tried.heard.lines[-1] == "end error"


def test_a_plan_with_a_step_that_has_no_executor_is_refused():
    """A lane without a runner is a bug of the wiring and is told before anything starts."""
    clock = FixedClock()
    inbox, terms = Inbox(clock), RunTerms(run_id="r", database="d")
    with pytest.raises(ValueError, match="no executor: dlt"):
        run_plan(
            make_plan("load_a"),
            thread_executors({Tool.DBT: FakeStepRunner()}, terms.limits, inbox, clock),
            terms=terms,
            chronicle=Chronicle(Audience((), clock), inbox, clock),
            inbox=inbox,
            clock=clock,
            stop=StopRequest(),
        )
