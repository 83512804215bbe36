"""Checks the freshness of a source by the last dlt load that wrote rows, for sources that dbt cannot check."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from orchestrator.adapters.database_errors import may_pass
from orchestrator.errors import WarehouseError
from orchestrator.execution.outcome import ErrorClass, Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.identity import Relation
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep, StepId

Evaluator = Callable[[float | None, float | None, float | None], tuple[Status, str]]
"""Takes the age in seconds (None if nothing was ever loaded), warn_after and error_after."""
LoadAge = Callable[[Relation, datetime], float | None]
"""Queries the age in seconds of the last load that wrote rows; raises WarehouseError."""


class LoadAgeRunner:
    """The step runner of freshness gates that dlt's own record of loads decides."""

    def __init__(self, last_load_age: LoadAge, evaluator: Evaluator) -> None:
        self._last_load_age = last_load_age
        self._evaluate = evaluator

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:  # noqa: ARG002  # the port's signature
        """Check each source."""
        for request in requests:
            if not isinstance(request.step, FreshnessStep):
                raise TypeError(f"{type(request.step).__name__} is not a freshness step")
            yield self._run(request.step)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Do nothing: the query takes no time worth interrupting."""

    def _run(self, step: FreshnessStep) -> Outcome:
        started = datetime.now(UTC)
        try:
            age = self._last_load_age(step.reads[0], started)
            status, message = self._evaluate(age, step.warn_after_seconds, step.error_after_seconds)
            kind = ErrorClass.DATA if status in (Status.FAIL, Status.WARN) else None
        except WarehouseError as error:
            status, message = Status.ERROR, f"the age of {step.reads[0]} could not be read: {error.message}"
            kind = ErrorClass.TRANSIENT if may_pass(message) else ErrorClass.PERMANENT
        return Outcome(
            step_id=step.id,
            status=status,
            error_class=kind,
            message=message,
            started_at=started,
            ended_at=datetime.now(UTC),
            path=step.path,
        )
