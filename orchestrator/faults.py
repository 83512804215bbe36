"""Defines the points of a run at which the fault tests interrupt it; in production there are no listeners."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A point at which a process may die."""

    STORE_MADE = "inside the making of the store"
    LEASE_ASKED = "before the lease is taken"
    LEASE_TAKEN = "after the lease is taken"
    LEASE_RETURNED = "before the lease is let go"
    LEASE_GONE = "after the lease is let go"
    RECORD_BEGUN = "before a record"
    RECORD_WRITTEN = "inside a record, before its commit"
    RECORD_KEPT = "after a record"
    STEP_HANDED = "before a step is handed to its runner"
    STEP_TAKEN = "after a step is handed to its runner"
    STEP_DONE = "between what a step did and the record of it"
    CHILD_ASKED = "before a statement of a load or a validation"
    CHILD_ANSWERED = "after a statement of a load or a validation"
    ARTIFACT_BEGUN = "before an artifact is written"
    ARTIFACT_WRITTEN = "inside the writing of an artifact"


listeners: list[Callable[[Point], None]] = []
"""Called with each point, on the thread that reaches it. Only the tests add listeners."""


def passing(point: Point) -> None:
    """Notify the listeners that a point is reached."""
    for listener in listeners:
        listener(point)
