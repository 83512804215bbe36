"""Defines the settings of a schedule: when the project runs on its own, with which options, and what follows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

from orchestrator.config.destination_url import AsWritten, ping_url
from orchestrator.config.mistakes import meant
from orchestrator.config.readers import as_written, duration, keys, list_of, one_of, text, times
from orchestrator.config.schedule_options import option_mistakes
from orchestrator.config.sections import SectionMistake, at, line_of_key, listed, missing
from orchestrator.config.value_readers import clock_time, cron, zone
from orchestrator.config.wait_settings import KINDS, WaitSettings, problems_of
from orchestrator.timetable.time_of_day import first_after

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class ScheduleVerb(StrEnum):
    """The verb that a schedule runs."""

    RUN = "run"
    TEST = "test"
    FRESHNESS = "freshness"


class Catchup(StrEnum):
    """What happens to the times that were missed, because nothing started the schedule then."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class OnBusySchedule(StrEnum):
    """What a scheduled run does while another run works in the same target."""

    WAIT = "wait"
    REFUSE = "refuse"
    SKIP = "skip"


class EventTime(StrEnum):
    """Which event times microbatch models get."""

    NONE = "none"
    DATA_INTERVAL = "data_interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRetry:
    """How often a scheduled run that did not succeed is started again: resumed if interrupted, else retried."""

    runs: int = field(default=0, metadata=at("retry.runs", times))
    after: timedelta = field(default=timedelta(minutes=10), metadata=at("retry.after", duration))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts a run, in place of a time."""

    files: str | None = field(default=None, metadata=at("on.files", text))
    """A glob, local or of an object storage: each file starts one run."""
    table: str | None = field(default=None, metadata=at("on.table", text))
    """A node: a run starts when its rows have changed."""
    schedule: str | None = field(default=None, metadata=at("on.schedule", text))
    """Another schedule: a run starts after each of its runs that succeeded."""

    @property
    def is_set(self) -> bool:
        """Return whether anything but the clock starts the schedule."""
        return self.is_watching or self.schedule is not None

    @property
    def is_watching(self) -> bool:
        """Return whether each look asks for files or for a table."""
        return bool(self.files or self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """One schedule of elt.yml."""

    name: str
    cron: tuple[str, ...] = field(default=(), metadata=at("cron", list_of(cron)))
    timezone: str = field(default="UTC", metadata=at("timezone", zone))
    on: Trigger = Trigger()
    verb: ScheduleVerb = field(default=ScheduleVerb.RUN, metadata=at("verb", one_of(ScheduleVerb)))
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), metadata=at("options", keys))
    """The options of the verb by their long names, with `_` for `-`."""
    wait_for: tuple[WaitSettings, ...] = field(default=(), metadata=listed("wait_for", WaitSettings))
    """What must be true before the run starts."""
    event_time: EventTime = field(default=EventTime.NONE, metadata=at("event_time", one_of(EventTime)))
    deadline: time | None = field(default=None, metadata=at("deadline", clock_time))
    """The first time of this name after the logical time, in the zone of the schedule."""
    catchup: Catchup = field(default=Catchup.LATEST, metadata=at("catchup", one_of(Catchup)))
    on_busy: OnBusySchedule = field(default=OnBusySchedule.WAIT, metadata=at("on_busy", one_of(OnBusySchedule)))
    retry: ScheduleRetry = ScheduleRetry()
    notify: tuple[str, ...] = field(default=(), metadata=at("notify", list_of(text)))
    """Destinations that are told of its failures, besides those of the rules."""
    ping: AsWritten | None = field(default=None, metadata=at("ping", as_written(ping_url)))
    """The URL of a dead-man's switch, which is called when a run starts and ends."""
    owner: str | None = field(default=None, metadata=at("owner", text))
    description: str | None = field(default=None, metadata=at("description", text))
    tags: tuple[str, ...] = field(default=(), metadata=at("tags", list_of(text)))
    line: int = line_of_key()

    def deadline_of(self, logical_time: datetime) -> datetime | None:
        """Return by when the run of a logical time must be done, in the zone of the schedule; None without deadline."""
        return None if self.deadline is None else first_after(logical_time, self.deadline, self.timezone)


def mistakes_of_schedules(schedules: Mapping[str, ScheduleSettings]) -> Iterator[SectionMistake]:
    """Yield what no single key shows: missing triggers, names that do not exist, schedules that wait in a circle."""
    for schedule in schedules.values():
        above = f"schedules.{schedule.name}"
        if not schedule.cron and not schedule.on.is_set:
            text = f"'{above}': it needs 'cron' or 'on': what starts it?"
            yield SectionMistake(
                line=schedule.line, text=text, missed=missing(("schedules", schedule.name), "cron", "on")
            )
        for problem in _problems(schedule, schedules):
            yield SectionMistake(line=schedule.line, text=f"'{above}': {problem}")
        for number, wait in enumerate(schedule.wait_for):
            key = ("schedules", schedule.name, "wait_for", str(number))
            for problem in problems_of(wait):
                text = f"'{'.'.join(key)}': {problem}"
                yield SectionMistake(line=wait.line, text=text, missed=missing(key, *KINDS))
            for problem in _problems_of_schedule(wait.schedule, schedule.name, schedules):
                yield SectionMistake(line=wait.line, text=f"'{'.'.join(key)}': {problem}")


def _problems(schedule: ScheduleSettings, schedules: Mapping[str, ScheduleSettings]) -> Iterator[str]:
    if _NAME.fullmatch(schedule.name) is None:
        yield "a name has letters, digits, '-', '_' and '.', and begins with a letter or a digit"
    yield from option_mistakes(schedule.verb, schedule.options)
    before = schedule.on.schedule
    if before is not None and before not in schedules:
        yield f"'on.schedule' names '{before}', which is not a schedule{meant(before, tuple(schedules))}"
    elif before is not None and _leads_back(schedule, schedules):
        yield f"it starts after '{before}', which starts after it"


def _problems_of_schedule(awaited: str | None, name: str, schedules: Mapping[str, ScheduleSettings]) -> Iterator[str]:
    """Yield why a schedule cannot be waited for."""
    if awaited is None:
        return
    if awaited not in schedules:
        yield f"'{awaited}' is not a schedule{meant(awaited, tuple(schedules))}"
    elif name in _awaited_by(awaited, schedules):
        yield f"it waits for '{awaited}', which waits for it"


def _awaited_by(name: str, schedules: Mapping[str, ScheduleSettings]) -> set[str]:
    """Return a schedule, and all that it waits for or starts after."""
    found, todo = set[str](), [name]
    while todo:
        one = todo.pop()
        if one in found or one not in schedules:
            continue
        found.add(one)
        schedule = schedules[one]
        todo += [wait.schedule for wait in schedule.wait_for if wait.schedule is not None]
        todo += [schedule.on.schedule] if schedule.on.schedule is not None else []
    return found


def _leads_back(schedule: ScheduleSettings, schedules: Mapping[str, ScheduleSettings]) -> bool:
    seen, name = set[str](), schedule.on.schedule
    while name is not None and name in schedules and name not in seen:
        if name == schedule.name:
            return True
        seen.add(name)
        name = schedules[name].on.schedule
    return False
