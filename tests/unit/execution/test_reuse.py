"""In a run: what need not run ends at its turn, and what it frees takes its turn at once."""

import pytest

from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.reuse import newest_row
from orchestrator.execution.verdict import ExitCode, exit_code, first_causes, run_status
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.factories import make_outcome
from tests.fakes.reuse import FakeReuse, reused
from tests.fakes.step_runner import FakeStepRunner
from tests.unit.execution.looping import TryOut


def test_a_chain_that_is_reused_finishes_before_any_step_starts():
    """Each hears of its parent before its turn comes; only D is handed to a runner."""
    reuse = FakeReuse({name: reused(name) for name in "abc"})
    run = TryOut("a -> b -> c -> d", FakeStepRunner({"d": Status.SUCCESS}), reuse=reuse, limits=Limits(dbt=1)).run()
    assert run.heard.lines == ["run", "a reused", "b reused", "c reused", "start d", "d success", "end success"]
    assert reuse.lines == [
        *("turn of a", "a reused", "turn of b", "b reused", "turn of c", "c reused", "turn of d", "d success"),
    ]


def test_a_reused_step_is_scheduled_as_others_are():
    """One place, which A has first; B and C end when it is free, and take none."""
    reuse = FakeReuse({name: reused(name) for name in "bc"})
    run = TryOut("a, b -> c", FakeStepRunner({"a": Status.SUCCESS}), reuse=reuse, limits=Limits(dbt=1)).run()
    assert run.statuses == {"a": "success", "b": "reused", "c": "reused"}


def test_a_gate_that_stays_closed_halts_its_descendants_and_is_not_a_success():
    """The closed step is the first cause; what is below it was skipped because of it."""
    reason = Reason(code=ReasonCode.GATE_CLOSED, blame=StepId("test_key"))
    closed = Outcome(step_id=StepId("a"), status=Status.SKIPPED, reason=reason, message="test_key said no")
    run = TryOut("a -> b -> c", FakeStepRunner({}), reuse=FakeReuse({"a": closed})).run()
    assert run.statuses == {"a": "skipped", "b": "skipped", "c": "skipped"}
    assert run.heard.lines[-1] == "end fail"
    (cause,) = first_causes(run.outcomes)
    assert (cause.outcome.step_id, cause.halted) == ("a", ("b", "c"))
    assert exit_code(run_status(run.outcomes)) is ExitCode.NOT_GREEN


@pytest.mark.parametrize(("word", "status"), [("success", Status.SUCCESS), ("warn", Status.WARN)])
def test_a_reused_warning_is_still_a_warning(word: str, status: Status):
    """The run says so."""
    assert run_status([reused("t", word)]) is status


def test_the_newest_row_is_read_off_dbts_freshness_check():
    """Of a check that could not be asked, and of any other step, there is none."""
    asked = make_outcome("freshness.source.shop.raw.s", dbt_results=({"max_loaded_at": "2024-01-01"},))
    assert newest_row(asked) == "2024-01-01"
    assert newest_row(make_outcome("freshness.source.shop.raw.s")) == ""
    assert newest_row(make_outcome("model.shop.a", dbt_results=({"max_loaded_at": "2024-01-01"},))) == ""
