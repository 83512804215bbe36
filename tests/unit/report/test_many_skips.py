"""A run in which one broken step near the root skips hundreds: every report tells the cause, not the skips."""

import io
import json
from collections.abc import Iterable, Sequence

import pytest

from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, RunListener, Stop
from orchestrator.execution.routes import Tool
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.report.live import LiveReport
from orchestrator.report.plain import PlainReport
from orchestrator.report.run_json import JsonReport
from orchestrator.report.streams import open_console
from orchestrator.report.summary import Summary
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import FixedClock

MODELS = 300
PLAN = make_plan(
    "root -> broken, root -> fine, " + ", ".join(f"broken -> m{n} -> test_{n} -> last_{n}" for n in range(MODELS))
)
SKIPPED = 3 * MODELS


class OneBreaks:
    """Runs every step at once; `broken` errs."""

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Give an outcome for each request."""
        for request in requests:
            name = request.step.name
            status = Status.ERROR if name == "broken" else Status.SUCCESS
            yield make_outcome(name, status, message="no such table" if name == "broken" else "")

    def interrupt(self, steps: object) -> None:
        """Nothing runs for long."""


def run_with(*listeners: RunListener) -> None:
    """Run the plan for these listeners."""
    run_for(PLAN, *listeners)


def run_for(plan: Plan, *listeners: RunListener) -> None:
    """Run a plan for these listeners."""
    clock = FixedClock()
    inbox, terms = Inbox(clock), RunTerms(run_id="r1", database="db")
    with Audience(listeners, clock) as audience:
        run_plan(
            plan,
            thread_executors({Tool.DBT: OneBreaks()}, terms.limits, inbox, clock),
            terms=terms,
            chronicle=Chronicle(audience, inbox, clock),
            inbox=inbox,
            clock=clock,
            stop=StopRequest(),
        )


def test_the_summary_names_the_first_cause_alone() -> None:
    """Nine hundred skips are a number beside their cause and in the counts."""
    stream = io.StringIO()
    run_with(Summary(open_console(stream)))
    lines = stream.getvalue().splitlines()
    assert len(lines) < 25
    assert lines[lines.index("First cause") + 1].startswith("error      model broken")
    assert f"           halted    {SKIPPED} steps: m0, last_0, m1, last_1, m2 and {SKIPPED - 5} more" in lines
    assert lines[-1] == f"error in 0.0s: 1 error, {SKIPPED} skipped, 2 success"


def test_a_log_reports_the_skips_of_one_cause_in_one_line() -> None:
    """Plain lines: the error, what it skipped, and what goes on."""
    stream = io.StringIO()
    run_with(PlainReport(stream))
    lines = [line[10:] for line in stream.getvalue().splitlines()]
    assert f"skipped    {SKIPPED} steps  because of model broken: m0, m1, m2, m3, m4 and {SKIPPED - 5} more" in lines
    assert [line for line in lines if line.startswith("skipped")] == [line for line in lines if "because of" in line]
    assert len(lines) == 9


@pytest.mark.parametrize(("number", "lines"), [(10, 10), (11, 1)])
def test_a_few_skips_have_a_line_each(number: int, lines: int) -> None:
    """Up to ten skips of one cause are told one by one."""
    plan = make_plan(", ".join(f"broken -> m{n}" for n in range(number)))
    stream = io.StringIO()
    run_for(plan, PlainReport(stream))
    assert sum("  skipped  " in line for line in stream.getvalue().splitlines()) == lines


def test_a_program_is_notified_of_every_step() -> None:
    """JSON has an object for each skip, with the step to blame."""
    stream = io.StringIO()
    run_with(JsonReport(stream))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    ended = [line for line in told if line["event"] == "step_ended"]
    assert len(ended) == len(PLAN.steps)
    assert [line["blame"] for line in ended if line["status"] == "skipped"] == ["broken"] * SKIPPED
    assert told[-1]["counts"] == {"success": 2, "error": 1, "skipped": SKIPPED}


def test_on_a_terminal_the_error_and_a_count_are_shown() -> None:
    """Above the live view stands the error alone; the skips are counted within."""
    stream = io.StringIO()
    console = open_console(stream, width=100)
    run_with(LiveReport(console))
    assert "model broken" in stream.getvalue()
    assert "because of" not in stream.getvalue()
