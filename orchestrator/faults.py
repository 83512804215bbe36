"""The boundaries of a run at which the proof by fault breaks it off; in production nobody listens."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A moment at which a process may die."""

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
"""Called, on the thread that passes, at each passing of a point; there is none outside of the tests."""


def passing(point: Point) -> None:
    """Say that a boundary is passed."""
    for listener in listeners:
        listener(point)
