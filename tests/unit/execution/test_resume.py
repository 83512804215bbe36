"""What of a run that was cut off counts as done after all, by what its target says."""

from dataclasses import replace

import pytest

from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.recorded import Marker, RecordedAttempt, RecordedRun, RecordedStep
from orchestrator.execution.resume import cut_off, done_after_all, settled, tries
from orchestrator.plan.step import StepId
from tests.factories import make_head, make_outcome, make_plan
from tests.fakes.clock import NOON

MARKER = Marker(step_id=StepId("log"), relation="main.log", run_id="r1", attempt=2, digest="d", identity="i", at=NOON)


def cut(outcome: Outcome | None, drawing: str = "log", number: int = 2) -> RecordedRun:
    """Record a run of one step, of which the last try is known as far as it is given."""
    plan = make_plan(drawing)
    (step,) = plan.steps
    attempt = RecordedAttempt(number=number, started_at=NOON, outcome=outcome)
    status = None if outcome is None else outcome.status
    recorded = RecordedStep(
        step_id=step.id, name=step.name, kind="build", why="selected", status=status, reason=None, attempts=(attempt,)
    )
    return RecordedRun(head=make_head(run_id="r1"), asked={}, plan=plan, steps=(recorded,))


def done(run: RecordedRun, marker: Marker = MARKER) -> bool:
    """Say whether the one step counts as done."""
    return bool(list(done_after_all(run, {run.steps[0].step_id: marker})))


@pytest.mark.parametrize("outcome", [None, make_outcome("log", Status.CANCELLED)], ids=["died", "interrupted"])
def test_a_try_of_which_the_end_is_unknown_is_done_when_its_marker_stands(outcome: Outcome | None):
    """The process died before it could record the end, or gave the step up when it was to end itself."""
    assert done(cut(outcome))
    assert tries(cut(outcome)) == {"log": 2}


@pytest.mark.parametrize("other", [{"attempt": 1}, {"attempt": 3}, {"run_id": "r0"}, {"is_whole": False}], ids=str)
def test_a_marker_of_another_try_says_nothing(other):
    """Nor one of another run, or of a build of which something was still to be done after the commit."""
    assert not done(cut(None), replace(MARKER, **other))


@pytest.mark.parametrize("status", [Status.ERROR, Status.SUCCESS, Status.FAIL])
def test_a_recorded_end_stands_over_the_marker(status: Status):
    """A build that erred after its commit runs again, as in dbt."""
    run = cut(make_outcome("log", status))
    assert cut_off(run) == {}
    assert not done(run)
    assert bool(settled(run)) is (status is Status.SUCCESS)


@pytest.mark.parametrize("name", ["load_log", "test_log", "hook_start", "suite_log"])
def test_only_builds_are_settled_by_a_marker(name: str):
    """Loads settle themselves; a check leaves nothing, and is asked again."""
    assert not done(cut(None, name), replace(MARKER, step_id=StepId(name)))
