"""Defines one time of a schedule: the logical time and the data interval of the run that belongs to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInterval:
    """The period whose data a scheduled run processes, in UTC: from the time before it up to its own time."""

    start: datetime
    """Included."""
    end: datetime
    """Not included."""

    @property
    def texts(self) -> tuple[str, str]:
        """The start and the end as text, such as 2026-11-28T01:00:00+00:00."""
        return moment_text(self.start), moment_text(self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTime:
    """One time of one schedule. It is claimed once, whoever starts it, and however often."""

    schedule: str
    logical_time: datetime
    """In UTC: when the run was due, which is earlier than its start if it waited or was made up for."""
    interval: DataInterval
    attempt: int = field(default=1, compare=False)
    """How often a run was started, resumed or retried for it, this time included."""


def moment_text(at: datetime) -> str:
    """Return a time as tools get it: ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat()
