"""Reopens the record of a run that was interrupted or did not succeed."""

from sqlalchemy import Connection, bindparam, func, select, update

from orchestrator.errors import RunTakenOverError
from orchestrator.execution.events import RunStarted
from orchestrator.execution.recorded import Opening
from orchestrator.plan.step import StepId
from orchestrator.store.prepared import Values
from orchestrator.store.tables import attempts, events, runs, steps

_KEPT = frozenset({"run_id", "verb", "trigger", "command", "selected", "vars", "logical_date", "started_at", "steps"})
"""Columns that a resume does not change: they describe the run as it was first started."""


def reopen(
    connection: Connection, opening: Opening, values: Values, event: RunStarted
) -> tuple[int, dict[StepId, int]]:
    """Mark the run as running again, and return the number of its last event and of each step's last attempt.

    Raises:
        StoreError: another process has resumed the run since it was read.
    """
    before = opening.continues
    if before is None:
        raise ValueError("a run that begins is not reopened")
    renewed = {name: value for name, value in values.items() if name not in _KEPT}
    # The old process is part of the condition, so that only one of two concurrent resumes succeeds.
    taken = connection.execute(
        update(runs)
        .where(runs.c.run_id == opening.run_id, runs.c.host == before.host, runs.c.process == before.pid)
        .values(**renewed, status=None, exit_code=None, ended_at=None)
    )
    if taken.rowcount != 1:
        raise RunTakenOverError(
            f"Another process has taken over the run {opening.run_id}.",
            hint="`elt history` shows its state.",
        )
    # A step that runs again must not show the status of its earlier end meanwhile.
    exists = {outcome.step_id for outcome in event.settled}
    if again := [{"again": step.id} for step in event.plan.steps if step.id not in exists]:
        one = (steps.c.run_id == opening.run_id) & (steps.c.step_id == bindparam("again"))
        connection.execute(update(steps).where(one).values(status=None, reason=None, blame=None), again)
    last = connection.execute(select(func.max(events.c.sequence)).where(events.c.run_id == opening.run_id)).scalar()
    counted = (
        select(attempts.c.step_id, func.max(attempts.c.attempt).label("number"))
        .where(attempts.c.run_id == opening.run_id)
        .group_by(attempts.c.step_id)
    )
    return last or 0, {StepId(row.step_id): row.number for row in connection.execute(counted)}
