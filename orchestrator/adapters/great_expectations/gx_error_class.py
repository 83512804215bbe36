"""Classifies the error of a suite by the messages of the expectations that could not be evaluated."""

from collections.abc import Collection

from orchestrator.adapters.database_errors import may_pass
from orchestrator.execution.outcome import ErrorClass
from orchestrator.plan.status import Status


def error_class(status: Status, errors: Collection[str]) -> ErrorClass | None:
    """Return the error class of a suite; `errors` are the messages of expectations that could not be evaluated."""
    match status:
        case Status.FAIL | Status.WARN:
            return ErrorClass.DATA
        case Status.ERROR:
            return ErrorClass.TRANSIENT if errors and all(map(may_pass, errors)) else ErrorClass.PERMANENT
        case _:
            return None
