"""Classifies the error of a node by dbt's status and message: dbt keeps no exception."""

import re
from collections.abc import Collection

from orchestrator.adapters.database_errors import may_pass
from orchestrator.execution.outcome import ErrorClass
from orchestrator.plan.status import Status

_NOT_OF_THE_DATABASE = re.compile(r"\b(?:Compilation|Parsing|Contract|Dependency|Not Found) Error\b")


def error_class(status: Status, message: str, broken: Collection[str] = ()) -> ErrorClass | None:
    """Return the class of a node's error; `broken` are the messages of its batches that ended in an error, if any."""
    match status:
        case Status.FAIL | Status.WARN:
            return ErrorClass.DATA
        case Status.ERROR:
            messages = broken or (message,)
            passing = all(may_pass(each) and not _NOT_OF_THE_DATABASE.search(each) for each in messages)
            return ErrorClass.TRANSIENT if passing else ErrorClass.PERMANENT
        case _:
            return None
