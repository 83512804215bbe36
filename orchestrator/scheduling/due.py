"""Decides which times of a schedule are to be started now, from the clock and from the record alone."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.config.schedule_settings import Catchup, OnBusySchedule, ScheduleSettings
from orchestrator.scheduling.claims import (
    RecordedSchedule,
    RecordedTime,
    SkipCause,
    TimeState,
    was_interrupted,
    was_put_off,
)
from orchestrator.timetable.cron import Timetable
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment

ON_TIME = timedelta(minutes=15)
"""With `catchup: none`, a time that could not be started for longer than this is missed."""
MOST_LOOKED_AT = 1000
"""How many times before now are looked at. What was missed before them is not made up for."""
_ENOUGH = 50
"""After so many recorded times in a row, earlier ones are taken to be recorded too."""


class StartKind(StrEnum):
    """How a time is started."""

    RUN = "run"
    RESUME = "resume"  # its process died
    RETRY = "retry"  # it did not succeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A time to start now."""

    time: ScheduledTime
    kind: StartKind = StartKind.RUN
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A time that is recorded as skipped."""

    time: ScheduledTime
    cause: SkipCause
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimes:
    """What is to be done for one schedule now."""

    starts: tuple[Start, ...] = ()
    skips: tuple[Skip, ...] = ()
    lost: tuple[RecordedTime, ...] = ()
    """The times whose process died too often."""
    next_at: datetime | None = None
    """When to look again; None if the clock starts nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTimes:
    """What the record says of one schedule."""

    schedule: RecordedSchedule
    times: Sequence[RecordedTime]
    """Latest first; at least the last `MOST_LOOKED_AT`."""
    upstream: Sequence[RecordedTime] = ()
    """The times of the schedule that starts this one, latest first."""
    is_seen: bool = True
    """Whether a process that starts times has looked at it."""


def timetable_of(schedule: ScheduleSettings) -> Timetable:
    """Return the times at which the clock starts a schedule."""
    return Timetable(expressions=schedule.cron, zone=schedule.timezone)


def definition_of(schedule: ScheduleSettings) -> str:
    """Return the text that identifies what starts a schedule. With another one, it begins anew."""
    triggers = [f"{name} {value}" for name, value in _triggers(schedule) if value]
    return "; ".join((*schedule.cron, schedule.timezone, *triggers))


def triggers_text(schedule: ScheduleSettings) -> str:
    """Return what starts a schedule besides the clock: "it starts after each run of nightly that succeeded"."""
    on = schedule.on
    said = (
        ("on new files that match", on.files, ""),
        ("when the rows of", on.table, " have changed"),
        ("after each run of", on.schedule, " that succeeded"),
    )
    return "it starts " + " or ".join(f"{before} {value}{after}" for before, value, after in said if value)


def _triggers(schedule: ScheduleSettings) -> Iterable[tuple[str, str | None]]:
    on = schedule.on
    return ("files", on.files), ("table", on.table), ("schedule", on.schedule)


def time_at(schedule: ScheduleSettings, logical_time: datetime) -> ScheduledTime:
    """Return the time of a schedule at a moment, with the interval since the time before it."""
    before = next(timetable_of(schedule).before(logical_time), None)
    start = before.at if before is not None else logical_time
    return ScheduledTime(
        schedule=schedule.name, logical_time=logical_time, interval=DataInterval(start=start, end=logical_time)
    )


def due_times(
    schedule: ScheduleSettings,
    recorded: RecordedTimes,
    now: datetime,
    *,
    is_alive: Callable[[RecordedTime], bool],
    in_maintenance: Callable[[datetime], str | None] = lambda _moment: None,
) -> DueTimes:
    """Return what is to be done for a schedule now.

    `is_alive` looks up the process of a running time. `in_maintenance` returns the reason if a moment is in a
    maintenance window.
    """
    if recorded.schedule.paused_at is not None:
        return DueTimes()
    repairs, lost, is_busy = _unfinished(schedule, recorded.times, now, is_alive)
    by_time = {time.key.logical_time: time for time in recorded.times}
    open_times = [
        *missed_by_clock(schedule, recorded.schedule.since, by_time, now),
        *_after_upstream(schedule, recorded, by_time),
    ]
    skips = [skip for time in open_times if (skip := _in_window(time, in_maintenance)) is not None]
    skipped = {skip.time for skip in skips}
    wanted, missed = _caught_up([time for time in open_times if time not in skipped], schedule, now)
    if wanted and (is_busy or repairs):  # one time of a schedule at a time
        if schedule.on_busy is OnBusySchedule.SKIP and is_busy:
            missed = [*missed, *(Skip(time=one, cause=SkipCause.BUSY, note=_BUSY) for one in wanted)]
        else:
            missed = []  # decided when the other one has ended
        wanted = []
    return DueTimes(
        starts=(*repairs, *(Start(time=time) for time in wanted)),
        skips=(*skips, *missed),
        lost=tuple(lost),
        next_at=_next_look(schedule, recorded.times, now),
    )


_BUSY = "the run of an earlier time was still in progress"


def resumes_left(schedule: ScheduleSettings, time: RecordedTime) -> bool:
    """Return whether a time may be started again; a run whose process died is resumed at least once."""
    most = schedule.retry.runs if time.state is TimeState.ENDED else max(1, schedule.retry.runs)
    return time.starts <= most


def again_at(schedule: ScheduleSettings, time: RecordedTime) -> datetime | None:
    """Return when a time that has ended is started again; None if it is not, also because `retry` was removed since."""
    return time.again_at if was_put_off(time) or resumes_left(schedule, time) else None


def _unfinished(
    schedule: ScheduleSettings,
    times: Sequence[RecordedTime],
    now: datetime,
    is_alive: Callable[[RecordedTime], bool],
) -> tuple[list[Start], list[RecordedTime], bool]:
    """Return the times to resume or retry, those that are lost, and whether a time is running."""
    repairs, lost, is_busy = list[Start](), list[RecordedTime](), False
    last = _last_started(times)
    for time in reversed(times):
        if time.key.logical_time > now and not (time.state is TimeState.RUNNING and is_alive(time)):
            continue  # the clock was set back: it is decided when it comes again
        if time.state is TimeState.PENDING:
            repairs.append(Start(time=_of(time), note=time.note))
        elif time.state is TimeState.RUNNING and is_alive(time):
            is_busy = True
        elif time.state is TimeState.RUNNING and resumes_left(schedule, time):
            repairs.append(Start(time=_of(time), kind=StartKind.RESUME, note="its process died"))
        elif time.state is TimeState.RUNNING:
            lost.append(time)
        # A later time makes up for what an earlier one left.
        elif time is last and (at := again_at(schedule, time)) is not None and at <= now:
            kind = StartKind.RESUME if was_interrupted(time) else StartKind.RETRY
            repairs.append(Start(time=_of(time), kind=kind, note=time.note or f"it ended with {time.exit_code}"))
    return ([] if is_busy else repairs[:1]), lost, is_busy


def missed_by_clock(
    schedule: ScheduleSettings, since: datetime, recorded: Container[datetime], now: datetime
) -> list[ScheduledTime]:
    """Return the times up to now that are not recorded, earliest first."""
    found, known = list[datetime](), 0
    for number, occurrence in enumerate(timetable_of(schedule).before(now + timedelta(microseconds=1))):
        if occurrence.at <= since or known >= _ENOUGH or number >= MOST_LOOKED_AT:
            break
        if occurrence.at in recorded:
            known += 1
        else:
            known = 0
            found.append(occurrence.at)
    return [time_at(schedule, moment) for moment in reversed(found)]


def _after_upstream(
    schedule: ScheduleSettings, recorded: RecordedTimes, own: Mapping[datetime, RecordedTime]
) -> Iterator[ScheduledTime]:
    """Yield a time for each time of the upstream schedule that succeeded; it has the same logical time."""
    for time in reversed(recorded.upstream):
        succeeded = time.state is TimeState.ENDED and time.exit_code == 0 and time.ended_at is not None
        is_new = time.ended_at is not None and time.ended_at > recorded.schedule.since
        if succeeded and is_new and time.key.logical_time not in own:
            yield ScheduledTime(schedule=schedule.name, logical_time=time.key.logical_time, interval=time.interval)


def _in_window(time: ScheduledTime, in_maintenance: Callable[[datetime], str | None]) -> Skip | None:
    reason = in_maintenance(time.logical_time)
    return None if reason is None else Skip(time=time, cause=SkipCause.MAINTENANCE, note=reason)


def _caught_up(
    times: list[ScheduledTime], schedule: ScheduleSettings, now: datetime
) -> tuple[list[ScheduledTime], list[Skip]]:
    """Return the time to start, and the times that are missed."""
    if not times:
        return [], []
    if schedule.catchup is Catchup.ALL:
        return times[:1], []  # the next one when this one has ended
    *earlier, latest = times
    missed = [Skip(time=one, cause=SkipCause.MISSED, note=_missed_note(schedule, latest)) for one in earlier]
    if schedule.catchup is Catchup.NONE and now - latest.logical_time > ON_TIME:
        note = "nothing started it in time, and catchup is none"
        return [], [*missed, Skip(time=latest, cause=SkipCause.MISSED, note=note)]
    return [latest], missed


def _missed_note(schedule: ScheduleSettings, latest: ScheduledTime) -> str:
    if schedule.catchup is Catchup.NONE:
        return "nothing started it in time, and catchup is none"
    instead = shown_moment(latest.logical_time, schedule.timezone)
    return f"nothing started it in time; {instead} makes up for it"


def _next_look(schedule: ScheduleSettings, times: Sequence[RecordedTime], now: datetime) -> datetime | None:
    following = next(timetable_of(schedule).after(now), None)
    last = _last_started(times)  # it makes up for the earlier ones
    again = None if last is None else again_at(schedule, last)
    later = [] if again is None or again <= now else [again]
    return min([*later, *([] if following is None else [following.at])], default=None)


def waits_for_retry(times: Sequence[RecordedTime]) -> bool:
    """Return whether the last time of a schedule is retried as `retry` says, not because it was put off."""
    last = _last_started(times)
    return last is not None and last.again_at is not None and not was_put_off(last)


def _last_started(times: Sequence[RecordedTime]) -> RecordedTime | None:
    return next((time for time in times if time.state is not TimeState.SKIPPED), None)


def _of(time: RecordedTime) -> ScheduledTime:
    return ScheduledTime(schedule=time.key.schedule, logical_time=time.key.logical_time, interval=time.interval)
