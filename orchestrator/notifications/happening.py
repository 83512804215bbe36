"""Defines what happened that somebody may have to be told of, as it is noted before anything is decided or sent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HappeningKind(StrEnum):
    """What happened."""

    ENDED = "ended"
    """A run ended: the record has its outcomes."""
    NOT_STARTED = "not_started"
    """An error prevented a run, so nothing of it is recorded."""
    LOST = "lost"
    """The process of a run died."""
    LATE = "late"
    """A run is estimated to end after its deadline."""
    SKIPPED = "skipped"
    """A scheduled run did not take place, because a condition found no data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened."""

    kind: HappeningKind
    at: datetime
    run_id: str | None = None
    schedule: str = ""
    """Empty for a run outside of schedules."""
    logical_time: datetime | None = None
    exit_code: int | None = None
    message: str = ""
    """Of a run that did not start, or was skipped: why, with secrets masked."""
    hint: str = ""
    expected_end: datetime | None = None
    deadline: datetime | None = None
    subject: str = ""
    """What has the deadline: `schedule nightly`, or `exposure weekly_report`."""


def happening_to_json(happening: Happening) -> dict[str, object]:
    """Return a happening as a JSON object, without what is not set."""
    found: dict[str, object] = {}
    for name in Happening.__slots__:
        value = getattr(happening, name)
        if value not in (None, ""):
            found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found


def happening_from_json(kept: dict[str, object]) -> Happening:
    """Return the happening that `happening_to_json` wrote."""
    times = ("at", "logical_time", "expected_end", "deadline")
    values = {name: datetime.fromisoformat(str(value)) if name in times else value for name, value in kept.items()}
    return Happening(**{**values, "kind": HappeningKind(str(kept["kind"]))})  # type: ignore[arg-type]
