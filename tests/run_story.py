"""One run as events, for every report to tell."""

from datetime import timedelta

from orchestrator.execution.events import (
    AttemptEnded,
    Event,
    Noticed,
    NoticeKind,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, ReasonCode
from orchestrator.execution.verdict import run_status
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.plan import LeftOut, Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON

DATABASE = "/home/ada/shop/shop.duckdb"

PLAN = Plan(
    steps=make_plan(
        "load_bts -> stg -> test_key -> fct -> mart -> suite_mart, stg -> test_rel -> fct, fct -> late"
    ).steps,
    left_out=(LeftOut(node=NodeId("test.shop.test_far"), reason="parent_not_built"),),
)

OUTCOMES = (
    make_outcome("load_bts", seconds=65, rows_affected=336776),
    make_outcome("stg", seconds=0.4),
    make_outcome(
        "test_key",
        Status.FAIL,
        seconds=0.1,
        failures=12,
        message="Got 12 results, \x1b[31mconfigured\x1b[0m to fail if != 0\n[ok] is no markup :smile:",
        compiled_path="/home/ada/shop/target/compiled/shop/test_key.sql",
    ),
    make_outcome("fct", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="test_key"),
    make_outcome("mart", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="test_key"),
    make_outcome("suite_mart", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="test_key"),
    make_outcome("test_rel", Status.WARN, seconds=0.2, failures=2512, message="Got 2512 results"),
    make_outcome("late", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="test_key"),
)

GREEN = (make_outcome("load_bts"), make_outcome("stg"))


def told(plan: Plan, outcomes: tuple[Outcome, ...], *notices: Noticed) -> list[Event]:
    """Tell a run of the outcomes: each step starts at noon, the run takes 70 seconds."""
    events: list[Event] = [RunStarted(run_id="r1", at=NOON, plan=plan, database=DATABASE)]
    for outcome in outcomes:
        if outcome.started_at is not None:
            events.append(StepStarted(at=NOON, step_id=outcome.step_id))
        events.append(StepEnded(at=outcome.ended_at or NOON, outcome=outcome))
    end = NOON + timedelta(seconds=70)
    return [*events, *notices, RunEnded(run_id="r1", at=end, status=run_status(outcomes), outcomes=outcomes)]


def noticed(kind: NoticeKind, message: str, step: str | None = None) -> Noticed:
    """Make a notice at noon."""
    return Noticed(at=NOON, kind=kind, message=message, step_id=StepId(step) if step else None)


def again(step: str, seconds: float = 8) -> AttemptEnded:
    """Let the first of three tries of a step end at noon; the next one follows."""
    busy = make_outcome(step, Status.ERROR, error_class=ErrorClass.TRANSIENT, message="HTTPError: 503\nbusy")
    return AttemptEnded(at=NOON, outcome=busy, again_at=NOON + timedelta(seconds=seconds), attempt=1, most=3)


def broken_suite() -> Outcome:
    """Make the outcome of a suite two of whose three expectations say no."""
    parts = (
        Part(name="expect_column_to_exist(id)", status=Status.SUCCESS),
        Part(name="expect_column_values_to_not_be_null(id)", status=Status.FAIL, message="3 of 10 values are null"),
        Part(name="expect_column_max_to_be_between(delay)", status=Status.WARN, message="got 1301"),
    )
    return make_outcome("suite_mart", Status.FAIL, failures=2, parts=parts, message="2 expectations said no")
