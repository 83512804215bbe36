"""Finds the time of a schedule that a user or a program asks to run."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orchestrator.config.schedule_settings import Catchup, ScheduleSettings
from orchestrator.errors import UnknownScheduleError
from orchestrator.scheduling.claims import RecordedTime, TimeState
from orchestrator.scheduling.due import missed_by_clock, time_at, timetable_of, triggers_text
from orchestrator.timetable.cron import zone_of
from orchestrator.timetable.scheduled_time import ScheduledTime

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def time_to_run(
    schedule: ScheduleSettings,
    recorded: Sequence[RecordedTime],
    now: datetime,
    *,
    since: datetime,
    at: str | None = None,
    upstream: Sequence[RecordedTime] = (),
) -> ScheduledTime:
    """Return the time named by `at`, else the one that is due: the latest, or with `catchup: all` the first missed.

    `recorded` and `upstream` are the times of the schedule and of the one that starts it, latest first.

    Raises:
        UnknownScheduleError: the schedule has no such time.
    """
    if at is not None:
        time = _named(schedule, at, recorded, upstream)
        if time.logical_time > now:
            raise UnknownScheduleError(
                f"The time {at} of the schedule {schedule.name} has not come yet.",
                hint=f"It runs then. To run the schedule now: elt schedule run {schedule.name} --now",
            )
        return time
    if not schedule.cron:
        return _after_upstream(schedule, upstream)
    latest = timetable_of(schedule).latest(now)
    if latest is None:
        raise UnknownScheduleError(f"The schedule {schedule.name} has no time before now.", hint=_look(schedule))
    if schedule.catchup is not Catchup.ALL:
        return time_at(schedule, latest.at)
    missed = missed_by_clock(schedule, since, {time.key.logical_time for time in recorded}, now)
    return missed[0] if missed else time_at(schedule, latest.at)


def parse_moment(text: str, zone: str) -> datetime:
    """Return the moment that ISO 8601 text names, in UTC; without an offset it is in the zone.

    Raises:
        UnknownScheduleError: the text is no moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnknownScheduleError(
            f"'{text}' is not a time.", hint="Write it as 2026-11-28T02:00, or with an offset: 2026-11-28T02:00+01:00"
        ) from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise UnknownScheduleError(
            f"'{text}' is not a time that a schedule can have.",
            hint=f"The years are {_FIRST_YEAR} to {_LAST_YEAR}, such as in 2026-11-28T02:00.",
        )
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(zone))).astimezone(UTC)


def _named(
    schedule: ScheduleSettings, at: str, recorded: Sequence[RecordedTime], upstream: Sequence[RecordedTime]
) -> ScheduledTime:
    moment = parse_moment(at, schedule.timezone)
    for time in (*recorded, *upstream):
        if time.key.logical_time == moment:
            return ScheduledTime(schedule=schedule.name, logical_time=moment, interval=time.interval)
    return time_of_clock(schedule, at, moment)


def time_of_clock(schedule: ScheduleSettings, at: str, moment: datetime) -> ScheduledTime:
    """Return the time at which the clock starts a schedule at a moment; `at` is how the user wrote the moment.

    Raises:
        UnknownScheduleError: the clock does not start it then; the hint has the times next to it, as they are typed.
    """
    table = timetable_of(schedule)
    latest = table.latest(moment)
    if latest is not None and latest.at == moment:
        return time_at(schedule, moment)
    near = [one.local for one in (latest, next(table.after(moment), None)) if one is not None]
    listed = " and ".join(one.isoformat(timespec="minutes") for one in near)
    zone = f" ({schedule.timezone})" if datetime.fromisoformat(at).tzinfo is None else ""
    raise UnknownScheduleError(
        f"The schedule {schedule.name} has no time at {at}{zone}.",
        hint=f"The times next to it are {listed}."
        if near
        else f"The clock does not start it: {triggers_text(schedule)}.",
    )


def _after_upstream(schedule: ScheduleSettings, upstream: Sequence[RecordedTime]) -> ScheduledTime:
    for time in upstream:
        if time.state is TimeState.ENDED and time.exit_code == 0:
            return ScheduledTime(schedule=schedule.name, logical_time=time.key.logical_time, interval=time.interval)
    raise UnknownScheduleError(
        f"The schedule {schedule.name} has no time to run: nothing has started it yet.",
        hint=f"To run it now: elt schedule run {schedule.name} --now",
    )


def _look(schedule: ScheduleSettings) -> str:
    return f"`elt schedule next {schedule.name}` shows its times."
