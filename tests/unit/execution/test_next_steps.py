"""What a summary advises to do next."""

from orchestrator.execution.events import RunEnded, RunStarted
from orchestrator.execution.next_steps import next_steps
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import Cause, FreshnessStep, StepId, Why
from tests.factories import make_outcome, make_plan
from tests.run_story import told


def advised(plan: Plan, *outcomes: Outcome) -> list[str]:
    events = told(plan, outcomes)
    started, ended = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    return [command for command, _ in next_steps(started, ended)]


def test_a_green_run_needs_no_repair():
    assert advised(make_plan("a, b"), make_outcome("a"), make_outcome("b", Status.WARN)) == []


def test_after_a_failure_its_log_the_run_and_a_retry():
    """The log is that of the cause that halted most."""
    halts = [make_outcome(one, Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="b") for one in "cd"]
    plan = make_plan("a, b -> c, b -> d")
    failed = (make_outcome("a", Status.ERROR), make_outcome("b", Status.FAIL))
    assert advised(plan, *failed, *halts) == ["elt logs r1 b", "elt show r1", "elt retry r1"]


def test_after_an_interruption_a_resume():
    interrupted = make_outcome("a", Status.CANCELLED, code=ReasonCode.INTERRUPTED)
    assert advised(make_plan("a"), interrupted) == ["elt show r1", "elt resume r1"]


def test_after_the_time_limit_a_resume():
    late = make_outcome("a", Status.CANCELLED, code=ReasonCode.RUN_TIME_LIMIT)
    assert advised(make_plan("a"), late)[-1] == "elt resume r1"


def test_a_stale_source_names_the_option_that_builds_anyway():
    gate = FreshnessStep(
        id=StepId("freshness.s"),
        name="raw.s",
        path="models/sources.yml",
        reads=(),
        cause=Cause(why=Why.CHECKS),
        node="source.shop.raw.s",
        by_load=False,
        warn_after_seconds=None,
        error_after_seconds=60.0,
    )
    plan = Plan(steps=(gate, *make_plan("a").steps))
    stale = make_outcome("freshness.s", Status.FAIL)
    halted = make_outcome("a", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="freshness.s")
    assert advised(plan, stale, halted)[-1] == "--no-freshness"
    assert "--no-freshness" not in advised(Plan(steps=(gate,)), stale)


def test_a_name_with_blanks_is_quoted():
    assert advised(make_plan("a b"), make_outcome("a b", Status.ERROR))[0] == "elt logs r1 'a b'"
