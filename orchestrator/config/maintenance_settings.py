"""Defines maintenance windows: periods in which no schedule, or none of some, starts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.config.mistakes import meant
from orchestrator.config.readers import duration as a_duration
from orchestrator.config.readers import list_of, text
from orchestrator.config.sections import SectionMistake, at, line_of_key, missing
from orchestrator.config.value_readers import cron, zone
from orchestrator.timetable.cron import Timetable, zone_of


def moment(value: object) -> datetime:
    """Return a time of a day, such as `2026-12-24 18:00`, without an offset."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a time such as 2026-12-24 18:00") from None
    if found.tzinfo is not None:
        raise ValueError("expected a time without an offset; `timezone` names its zone")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """One window of `maintenance:` in elt.yml: from one time to another, or again and again for a while."""

    begins: datetime | None = field(default=None, metadata=at("from", moment))
    ends: datetime | None = field(default=None, metadata=at("to", moment))
    cron: str | None = field(default=None, metadata=at("cron", cron))
    duration: timedelta | None = field(default=None, metadata=at("for", a_duration))
    timezone: str = field(default="UTC", metadata=at("timezone", zone))
    schedules: tuple[str, ...] = field(default=(), metadata=at("schedules", list_of(text)))
    """The schedules that do not start; empty for all."""
    reason: str = field(default="maintenance", metadata=at("reason", text))
    line: int = line_of_key()

    def covers(self, schedule: str, moment: datetime) -> bool:
        """Return whether a schedule does not start at a moment; the end of the window is not part of it."""
        if self.schedules and schedule not in self.schedules:
            return False
        if self.begins is not None and self.ends is not None:
            zone = zone_of(self.timezone)
            return self.begins.replace(tzinfo=zone) <= moment < self.ends.replace(tzinfo=zone)
        if self.cron is None or self.duration is None:
            return False
        begun = Timetable(expressions=(self.cron,), zone=self.timezone).latest(moment)
        return begun is not None and moment < begun.at + self.duration


def reason_at(windows: Sequence[MaintenanceWindow], schedule: str, moment: datetime) -> str | None:
    """Return the reason of the first window that covers a moment of a schedule; None if there is none."""
    return next((window.reason for window in windows if window.covers(schedule, moment)), None)


def mistakes_of_maintenance(
    windows: Sequence[MaintenanceWindow], schedules: Mapping[str, object]
) -> Iterator[SectionMistake]:
    """Yield what no single key shows: windows without a beginning or an end, and names that do not exist."""
    for number, window in enumerate(windows):
        missed = missing(("maintenance", str(number)), "from", "to", "cron", "for")
        for problem in _problems(window):
            yield SectionMistake(line=window.line, text=f"'maintenance': {problem}", missed=missed)
        for name in window.schedules:
            if name not in schedules:
                text = f"'maintenance': '{name}' is not a schedule{meant(name, tuple(schedules))}"
                yield SectionMistake(line=window.line, text=text)


def _problems(window: MaintenanceWindow) -> Iterator[str]:
    period, repeated = (window.begins, window.ends), (window.cron, window.duration)
    is_period, is_repeated = any(period), any(one is not None for one in repeated)
    if is_period == is_repeated:
        yield "a window has 'from' and 'to', or 'cron' and 'for'"
    elif is_period and not all(period):
        yield "a window with 'from' or 'to' has both"
    elif is_repeated and None in repeated:
        yield "a window with 'cron' or 'for' has both"
    elif window.begins is not None and window.ends is not None and window.ends <= window.begins:
        yield f"it ends at {window.ends:%Y-%m-%d %H:%M}, which is not after its beginning"
