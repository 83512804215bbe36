"""What kind of thing broke when a suite was evaluated, told by the words of those expectations that could not be."""

from collections.abc import Collection

from orchestrator.adapters.database_errors import may_pass
from orchestrator.execution.outcome import ErrorClass
from orchestrator.plan.status import Status


def error_class(status: Status, errors: Collection[str]) -> ErrorClass | None:
    """Give the class of a suite's end; `errors` are what kept expectations, or all of it, from being evaluated."""
    match status:
        case Status.FAIL | Status.WARN:
            return ErrorClass.DATA
        case Status.ERROR:
            return ErrorClass.TRANSIENT if errors and all(map(may_pass, errors)) else ErrorClass.PERMANENT
        case _:
            return None
