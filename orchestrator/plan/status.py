"""Defines the statuses that a step can end with, and which of them halt its descendants."""

from enum import StrEnum


class Status(StrEnum):
    """How a step ended."""

    SUCCESS = "success"
    WARN = "warn"
    REUSED = "reused"
    NO_DATA = "no_data"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def halts(self) -> bool:
        """Whether the descendants of a step with this status must not run."""
        return self in HALTING


FAIL_OR_ERROR = frozenset({Status.FAIL, Status.ERROR})
"""The statuses of a step that did not pass or that broke."""
HALTING = FAIL_OR_ERROR | {Status.SKIPPED, Status.CANCELLED}
