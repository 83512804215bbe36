"""Finds the steps that failed in consecutive runs, from their recorded outcomes."""

from collections.abc import Mapping
from itertools import takewhile

from sqlalchemy import Connection, func, select

from orchestrator.execution.breaker import SAYS_NOTHING
from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.recorded import Failing
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import StepId
from orchestrator.store.tables import runs, steps


def failing_in(
    connection: Connection, target_identity: str, places: Mapping[StepId, str], most: int
) -> Mapping[StepId, Failing]:
    """Return the steps that failed in the last run that attempted them at their places, and how often in a row."""
    # A run that died has no end; its last heartbeat comes closest to it.
    ended_at = func.coalesce(runs.c.ended_at, runs.c.heartbeat_at)
    tried = select(steps.c.status, ended_at.label("ended_at")).join(runs, runs.c.run_id == steps.c.run_id)
    tried = tried.where(
        runs.c.target_identity == target_identity,
        steps.c.status.is_not(None),
        steps.c.status.not_in(sorted(SAYS_NOTHING)),
        # A load that was not attempted ends with a warning, which would look like a recovery.
        steps.c.reason != ReasonCode.CIRCUIT_OPEN.value,
    )
    tried = tried.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(most)
    found = {}
    for step, place in places.items():
        rows = connection.execute(tried.where(steps.c.step_id == step, steps.c.place == place))
        failed = [row.ended_at for row in takewhile(lambda row: Status(row.status) in FAIL_OR_ERROR, rows)]
        if failed:
            found[step] = Failing(times=len(failed), last_at=failed[0])
    return found
