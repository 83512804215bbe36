"""Turns a recorded run back into the events that its listeners received, so that it can be shown again."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from orchestrator.execution.events import AttemptEnded, RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.outcome import Outcome, Reason
from orchestrator.execution.recorded import RecordedRun, RecordedStep
from orchestrator.plan.status import Status


def outcome_of(step: RecordedStep) -> Outcome | None:
    """Return the last outcome of a step; None if it has none (yet)."""
    last, reason = step.last.outcome if step.last is not None else None, step.reason or Reason()
    if step.status is None:
        return last
    if last is None or last.status is not step.status:  # it ended without another attempt: skipped, for example
        return Outcome(step_id=step.step_id, status=step.status, reason=reason)
    return replace(last, reason=reason)


def replay(run: RecordedRun) -> Iterator[RunEvent]:
    """Yield the start of the run, the events of each step, and the end; an unfinished run ends with what is known."""
    head = run.head
    yield RunStarted(run_id=head.run_id, at=head.started_at, plan=run.plan, database=head.database)
    outcomes = []
    for step in run.steps:
        yield from _earlier_attempts(step)
        if step.last is not None and step.last.started_at is not None:
            yield StepStarted(at=step.last.started_at, step_id=step.step_id)
        outcome = outcome_of(step)
        if outcome is not None:
            outcomes.append(outcome)
            yield StepEnded(at=outcome.ended_at or head.started_at, outcome=outcome)
    end = head.started_at + head.elapsed()
    yield RunEnded(run_id=head.run_id, at=end, status=head.status or Status.CANCELLED, outcomes=tuple(outcomes))


def _earlier_attempts(step: RecordedStep) -> Iterator[RunEvent]:
    """Yield the attempts before the last one; the start of the next attempt shows when it was due."""
    for attempt, following in pairwise(step.attempts):
        if attempt.started_at is None or attempt.outcome is None:
            continue
        yield StepStarted(at=attempt.started_at, step_id=step.step_id)
        ended = attempt.outcome.ended_at or attempt.started_at
        yield AttemptEnded(
            at=ended,
            outcome=attempt.outcome,
            again_at=following.started_at or ended,
            attempt=attempt.number,
            most=len(step.attempts),
        )
