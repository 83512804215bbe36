"""Summarizes a schedule: its next and last times, and what is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.claims import RecordedTime, SkipCause, TimeState
from orchestrator.scheduling.due import ON_TIME, RecordedTimes, timetable_of
from orchestrator.timetable.cron import Occurrence


class ScheduleProblem(StrEnum):
    """What is wrong with a schedule."""

    MISSED = "missed"
    """Nothing started it at a time that is past."""
    NOT_GREEN = "not_green"
    """Its last run did not succeed."""
    LOST = "lost"
    """The process of its last run died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOverview:
    """A schedule as a list of schedules shows it."""

    schedule: ScheduleSettings
    next: Occurrence | None
    last: RecordedTime | None
    """The last time that was started or missed."""
    is_running: bool = False
    paused_at: datetime | None = None
    paused_by: str = ""
    problems: tuple[tuple[ScheduleProblem, str], ...] = ()
    """Each with a sentence."""


def overview_of(
    schedule: ScheduleSettings, recorded: RecordedTimes, now: datetime, *, is_alive: Callable[[RecordedTime], bool]
) -> ScheduleOverview:
    """Return the overview of a schedule; a paused one has no problems."""
    past = [time for time in recorded.times if time.key.logical_time <= now]
    last = next((time for time in past if time.cause in {None, SkipCause.MISSED}), None)
    running = last is not None and last.state is TimeState.RUNNING and is_alive(last)
    is_paused = recorded.schedule.paused_at is not None
    skipped = {time.key.logical_time for time in recorded.times if time.state is TimeState.SKIPPED}
    coming = (one for one in timetable_of(schedule).after(now) if one.at not in skipped)
    return ScheduleOverview(
        schedule=schedule,
        next=None if is_paused else next(coming, None),
        last=last,
        is_running=running,
        paused_at=recorded.schedule.paused_at,
        paused_by=recorded.schedule.paused_by,
        problems=() if is_paused else tuple(_problems(schedule, recorded, last, now, is_running=running)),
    )


def _problems(
    schedule: ScheduleSettings, recorded: RecordedTimes, last: RecordedTime | None, now: datetime, *, is_running: bool
) -> Iterator[tuple[ScheduleProblem, str]]:
    due = timetable_of(schedule).latest(now)
    known = {time.key.logical_time for time in recorded.times}
    is_overdue = due is not None and due.at > recorded.schedule.since and due.at not in known
    # The run of an earlier time may be in progress: then this one waits for it, and is not missed.
    if due is not None and is_overdue and now - due.at > ON_TIME and not is_running:
        yield ScheduleProblem.MISSED, f"nothing started the run of {due.local:%Y-%m-%d %H:%M}"
    if last is None:
        return
    when = f"{last.key.logical_time:%Y-%m-%d %H:%M} UTC"
    if last.cause is SkipCause.MISSED:
        yield ScheduleProblem.MISSED, f"the run of {when} was missed: {last.note}"
    elif last.state is TimeState.RUNNING and not is_running:
        yield ScheduleProblem.LOST, f"the process of the run of {when} died"
    elif last.exit_code:
        yield ScheduleProblem.NOT_GREEN, f"the run of {when} ended with exit code {last.exit_code}"
