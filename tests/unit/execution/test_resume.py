"""What of a run that was cut off counts as done after all, by what its target says."""

from dataclasses import replace

import pytest

from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedAttempt, RecordedRun, RecordedStep
from orchestrator.execution.resume import attempt_counts, cut_off, done_after_all, past_of, settled, unrecorded_loads
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import Marker
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
def test_an_attempt_with_unknown_end_is_complete_if_its_marker_exists(outcome: Outcome | None):
    """The process died before it could record the end, or gave the step up when it was to end itself."""
    assert done(cut(outcome))
    assert attempt_counts(cut(outcome)) == {"log": 2}


@pytest.mark.parametrize("other", [{"attempt": 1}, {"attempt": 3}, {"run_id": "r0"}, {"is_whole": False}], ids=str)
def test_a_marker_of_another_attempt_proves_nothing(other):
    """Nor one of another run, or of a build of which something was still to be done after the commit."""
    assert not done(cut(None), replace(MARKER, **other))


@pytest.mark.parametrize("status", [Status.ERROR, Status.SUCCESS, Status.FAIL])
def test_a_recorded_end_takes_precedence_over_the_marker(status: Status):
    """A build that erred after its commit runs again, as in dbt."""
    run = cut(make_outcome("log", status))
    assert cut_off(run) == {}
    assert not done(run)
    assert bool(settled(run)) is (status is Status.SUCCESS)


@pytest.mark.parametrize("name", ["load_log", "test_log", "hook_start", "suite_log"])
def test_only_builds_are_recovered_from_a_marker(name: str):
    """Loads settle themselves; a check leaves nothing, and is asked again."""
    assert not done(cut(None, name), replace(MARKER, step_id=StepId(name)))


def named(run: RecordedRun, run_id: str) -> RecordedRun:
    return replace(run, head=make_head(run_id=run_id))


def loaded(run_id: str, *statuses: Status | None) -> RecordedRun:
    """Record a run of one load, which was tried as often as there are statuses; None where nobody knows its end."""
    plan = make_plan("load_log")
    (step,) = plan.steps
    ends = [None if status is None else make_outcome("load_log", status) for status in statuses]
    attempts = [RecordedAttempt(number=n, started_at=NOON, outcome=end) for n, end in enumerate(ends, 1)]
    recorded = RecordedStep(
        step_id=step.id, name="log", kind="ingest", why="feeds", status=None, reason=None, attempts=tuple(attempts)
    )
    return RecordedRun(head=make_head(run_id=run_id), asked={}, plan=plan, steps=(recorded,))


def test_recovered_steps_of_a_run_succeeded_unless_a_retry_says_otherwise():
    """A retry that planned the step again did so because its code had changed: its own end counts."""
    first, found = cut(None), {"r1": [make_outcome("log", Status.SUCCESS)]}
    assert past_of([first]).well == frozenset()
    assert past_of([first], found).well == {"log"}
    again = named(cut(make_outcome("log", Status.ERROR)), "r2")
    assert past_of([first, again], found).failed == {"log"}


@pytest.mark.parametrize(
    ("runs", "unheard"),
    [
        ([loaded("r1", None)], ["r1"]),
        ([loaded("r1", None), loaded("r2")], ["r1"]),
        ([loaded("r1", None), loaded("r2", Status.CANCELLED)], ["r1", "r2"]),
        ([loaded("r1", Status.ERROR, None)], ["r1"]),
        ([loaded("r1", None), loaded("r2", Status.ERROR)], []),
        ([loaded("r1", Status.SUCCESS)], []),
    ],
    ids=["cut off", "not tried again", "twice", "in its second try", "ended later", "ended"],
)
def test_a_load_continues_from_the_runs_that_did_not_record_its_end(runs, unheard):
    """Of a run and the retries of it; once one of them tells how the load ended, a further one begins anew."""
    assert [run.head.run_id for run in unrecorded_loads(runs).get(StepId("load_log"), ())] == unheard


def test_only_loads_continue():
    """A build that was cut off is settled by its marker."""
    assert unrecorded_loads([cut(None)]) == {}


def test_a_build_that_no_longer_exists_is_not_recovered_nor_are_its_checks():
    """What is built upon it stands."""
    plan = make_plan("a -> test_a -> b, a -> suite_a -> b, a -> b -> test_b")
    steps = tuple(
        RecordedStep(step_id=step.id, name="", kind="", why="", status=Status.SUCCESS, reason=None)
        for step in plan.steps
    )
    run = RecordedRun(head=make_head(run_id="r1"), asked={}, plan=plan, steps=steps)
    assert [outcome.step_id for outcome in settled(run, {StepId("a")})] == ["b", "test_b"]
