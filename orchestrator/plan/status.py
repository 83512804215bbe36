"""The statuses that a step can end with, and which of them halt what is downstream."""

from enum import StrEnum


class Status(StrEnum):
    """The statuses of design: what happened, and whether what is downstream goes on."""

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
        """Whether descendants of a step that ended so must not run."""
        return self in HALTING


FAIL_OR_ERROR = frozenset({Status.FAIL, Status.ERROR})
"""What a step ends as that went wrong itself."""
HALTING = FAIL_OR_ERROR | {Status.SKIPPED, Status.CANCELLED}
