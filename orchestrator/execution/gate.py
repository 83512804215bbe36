"""Decides whether a gate is open, warns or is closed. Pure functions."""

from collections.abc import Iterable

from orchestrator.plan.status import Status
from orchestrator.wording import spell

_WORST_LAST = (
    Status.SUCCESS,
    Status.REUSED,
    Status.NO_DATA,
    Status.WARN,
    Status.SKIPPED,
    Status.CANCELLED,
    Status.FAIL,
    Status.ERROR,
)


def evaluate_load_age(age: float | None, warn_after: float | None, error_after: float | None) -> tuple[Status, str]:
    """Return the status of a source by the seconds since a load last brought rows; None if no load ever did.

    As in dbt, an age is too old when it is greater than a limit, and a source without any rows exceeds every limit.
    """
    if warn_after is None and error_after is None:
        return Status.ERROR, "the source has neither warn_after nor error_after: there is nothing to check it by"
    message = "no load has brought rows yet"
    if age is not None:
        message = f"the last load that brought rows was {spell(age)} ago"
    if error_after is not None and (age is None or age > error_after):
        return Status.FAIL, f"{message}, allowed are {spell(error_after)}"
    if warn_after is not None and (age is None or age > warn_after):
        return Status.WARN, f"{message}, expected within {spell(warn_after)}"
    return Status.SUCCESS, message


def evaluate_expectation(*, success: bool | None, severity: str) -> Status:
    """Return the status of one expectation of a suite; `success` is None if it could not be evaluated."""
    if success is None:
        return Status.ERROR
    if success:
        return Status.SUCCESS
    match severity:
        case "info":
            return Status.SUCCESS
        case "warning":
            return Status.WARN
        case "critical":
            return Status.FAIL
        # An unknown severity must not become a silent success.
        case _:
            return Status.ERROR


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status of a whole from those of its parts. Without parts nothing was evaluated, which is an error."""
    return max(statuses, key=_WORST_LAST.index, default=Status.ERROR)
