"""Reads how long steps and runs took."""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from orchestrator.execution.durations import COMPLETE, Durations, RunEdges, StepDuration
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.store.tables import attempts, runs, steps

MOST_RUNS = 40
"""How many of the last runs in a target are looked at, whichever steps they had."""
_MOST_EDGES = 5  # runs whose beginning and end are looked at
_MOST_NAMED = 300  # ids in one query; for more, all steps of those runs are read


def durations_in(connection: Connection, target_identity: str, places: Mapping[StepId, str], most: int) -> Durations:
    """Return the durations of steps at their places, at most so many of each, and what runs took around their steps."""
    return Durations(
        of_steps=_of_steps(connection, target_identity, places, most),
        of_runs=_of_runs(connection, target_identity, min(most, _MOST_EDGES)),
    )


def _of_steps(
    connection: Connection, target_identity: str, places: Mapping[StepId, str], most: int
) -> dict[StepId, tuple[StepDuration, ...]]:
    recent = select(runs.c.run_id, runs.c.started_at).where(runs.c.target_identity == target_identity)
    recent = recent.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(MOST_RUNS).subquery()
    same = (attempts.c.run_id == steps.c.run_id) & (attempts.c.step_id == steps.c.step_id)
    complete = attempts.c.status.in_(sorted(COMPLETE))
    newest = (recent.c.started_at.desc(), recent.c.run_id.desc(), attempts.c.attempt.desc())
    number = func.row_number().over(partition_by=steps.c.step_id, order_by=newest).label("number")
    asked = (
        select(
            steps.c.run_id, steps.c.step_id, steps.c.place, steps.c.status, attempts.c.started_at, attempts.c.ended_at
        )
        .add_columns(number)
        .join(recent, recent.c.run_id == steps.c.run_id)
        .outerjoin(attempts, same & complete)
        .where(steps.c.status.in_(sorted({*COMPLETE, Status.REUSED})))
    )
    if len(places) <= _MOST_NAMED:
        asked = asked.where(steps.c.step_id.in_(sorted(places)))
    numbered = asked.subquery()
    rows = connection.execute(select(numbered).where(numbered.c.number <= most).order_by(numbered.c.number))
    found: dict[StepId, list[StepDuration]] = {}
    for run_id, step, place, status, started_at, ended_at, _ in rows:
        if places.get(step) != place:
            continue
        if status == Status.REUSED:
            found.setdefault(step, []).append(StepDuration(run_id=run_id, seconds=None))
        elif started_at is not None and ended_at is not None:
            seconds = max(0.0, (ended_at - started_at).total_seconds())
            found.setdefault(step, []).append(StepDuration(run_id=run_id, seconds=seconds))
    return {step: tuple(durations) for step, durations in found.items()}


def _of_runs(connection: Connection, target_identity: str, most: int) -> tuple[RunEdges, ...]:
    recent = select(runs.c.run_id, runs.c.started_at, runs.c.ended_at, runs.c.process_started_at)
    recent = recent.where(runs.c.target_identity == target_identity, runs.c.ended_at.is_not(None))
    recent = recent.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(most).subquery()
    first, last = func.min(attempts.c.started_at), func.max(attempts.c.ended_at)
    asked = select(recent, first.label("first_at"), last.label("last_at")).join(
        attempts, attempts.c.run_id == recent.c.run_id
    )
    asked = asked.group_by(*recent.c).order_by(recent.c.started_at.desc(), recent.c.run_id.desc())
    found = []
    for row in connection.execute(asked):
        if row.first_at is None or row.last_at is None:
            continue
        began = row.process_started_at
        found.append(
            RunEdges(
                before=None if began is None else max(0.0, (row.started_at - began).total_seconds()),
                opening=max(0.0, (row.first_at - row.started_at).total_seconds()),
                closing=max(0.0, (row.ended_at - row.last_at).total_seconds()),
            )
        )
    return tuple(found)
