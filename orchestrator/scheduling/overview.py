"""Summarizes a schedule: its next and last times, and what is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.estimates.whole_runs import usual_run
from orchestrator.plan.estimate import Estimate
from orchestrator.scheduling.claims import RecordedTime, SkipCause, TimeState, was_uninterrupted
from orchestrator.scheduling.due import ON_TIME, RecordedTimes, again_at, timetable_of
from orchestrator.timetable.cron import Occurrence
from orchestrator.timetable.shown_moment import shown_clock, shown_moment


class ScheduleProblem(StrEnum):
    """What is wrong with a schedule."""

    CANNOT_RUN = "cannot_run"
    """Its options are wrong, or its target does not exist: its runs cannot start."""
    UNKNOWN_NODE = "unknown_node"
    """Its selection or its trigger names a node that does not exist."""
    NOT_TOLD = "not_told"
    """A destination of its notifications, or its dead-man's switch, has no URL."""
    MISSED = "missed"
    """Nothing started it at a time that is past."""
    NOT_GREEN = "not_green"
    """Its last run did not succeed."""
    LOST = "lost"
    """The process of its last run died."""
    LATE = "late"
    """Its current run misses its deadline, or one that has not started can no longer meet it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOverview:
    """A schedule as a list of schedules shows it."""

    schedule: ScheduleSettings
    next: Occurrence | None
    last: RecordedTime | None
    """The last time that was started or skipped."""
    is_running: bool = False
    is_waiting: bool = False
    """Whether its run has not begun: it waits for conditions, or for another run."""
    takes: Estimate | None = None
    """How long its runs take."""
    expected_end: datetime | None = None
    """Of a run that is in progress; None if it takes longer than usual, or nothing is known."""
    late_by: timedelta | None = None
    """By how much the last run, which has ended, missed its deadline."""
    paused_at: datetime | None = None
    paused_by: str = ""
    problems: tuple[tuple[ScheduleProblem, str], ...] = ()
    """Each with a sentence."""


def overview_of(
    schedule: ScheduleSettings, recorded: RecordedTimes, now: datetime, *, is_alive: Callable[[RecordedTime], bool]
) -> ScheduleOverview:
    """Return the overview of a schedule; a paused one has no problems."""
    past = [time for time in recorded.times if time.key.logical_time <= now]
    last = next(iter(past), None)
    ran = next((time for time in past if time.cause in {None, SkipCause.MISSED}), None)  # what was to run
    running = last is not None and last.state is TimeState.RUNNING and is_alive(last)
    is_paused = recorded.schedule.paused_at is not None
    skipped = {time.key.logical_time for time in recorded.times if time.state is TimeState.SKIPPED}
    takes = usual_run([took.total_seconds() for time in past if (took := _took(time)) is not None])
    coming = (one for one in timetable_of(schedule).after(now) if one.at not in skipped)
    return ScheduleOverview(
        schedule=schedule,
        next=None if is_paused else next(coming, None),
        last=last,
        is_running=running,
        takes=takes,
        expected_end=_expected_end(last, takes, now) if last is not None and running else None,
        late_by=None if last is None else _late_by(schedule, last),
        paused_at=recorded.schedule.paused_at,
        paused_by=recorded.schedule.paused_by,
        problems=()
        if is_paused
        else (
            *_problems(schedule, recorded, ran, now, is_running=running),
            *_lateness(schedule, recorded, last if running else None, takes, now),
        ),
    )


def _took(time: RecordedTime) -> timedelta | None:
    """Return how long the run of a time took, if it succeeded at once."""
    if time.ended_at is None or time.exit_code != 0 or not was_uninterrupted(time):
        return None
    return time.ended_at - time.claimed_at


def _expected_end(running: RecordedTime, takes: Estimate | None, now: datetime) -> datetime | None:
    end = None if takes is None else running.claimed_at + timedelta(seconds=takes.seconds)
    return None if end is None or end <= now else end


def _late_by(schedule: ScheduleSettings, last: RecordedTime) -> timedelta | None:
    deadline = schedule.deadline_of(last.key.logical_time)
    if deadline is None or last.ended_at is None or last.state is not TimeState.ENDED or last.ended_at <= deadline:
        return None
    return last.ended_at - deadline


def _lateness(
    schedule: ScheduleSettings,
    recorded: RecordedTimes,
    running: RecordedTime | None,
    takes: Estimate | None,
    now: datetime,
) -> Iterator[tuple[ScheduleProblem, str]]:
    """Yield that a run misses its deadline: one in progress, or the latest time, which has not been started."""
    time = running.key.logical_time if running is not None else _not_started(schedule, recorded, now)
    deadline = None if time is None else schedule.deadline_of(time)
    if time is None or deadline is None:
        return
    began = now if running is None else running.claimed_at
    if now < deadline and (takes is None or began + timedelta(seconds=takes.low) <= deadline):
        return
    what = "has not started" if running is None else "is in progress"
    of, by = shown_moment(time, schedule.timezone), shown_clock(deadline, schedule.timezone)
    yield ScheduleProblem.LATE, f"the run of {of} {what}, and its deadline is {by}"


def _not_started(schedule: ScheduleSettings, recorded: RecordedTimes, now: datetime) -> datetime | None:
    due = timetable_of(schedule).latest(now)
    if due is None or due.at <= recorded.schedule.since:
        return None
    return None if due.at in {time.key.logical_time for time in recorded.times} else due.at


def _problems(
    schedule: ScheduleSettings, recorded: RecordedTimes, last: RecordedTime | None, now: datetime, *, is_running: bool
) -> Iterator[tuple[ScheduleProblem, str]]:
    due = timetable_of(schedule).latest(now)
    known = {time.key.logical_time for time in recorded.times}
    is_overdue = due is not None and due.at > recorded.schedule.since and due.at not in known
    # The run of an earlier time may be in progress: then this one waits for it, and is not missed.
    if due is not None and is_overdue and now - due.at > ON_TIME and not is_running:
        unseen = "" if recorded.is_seen else ": the record contains no look at this schedule"
        yield ScheduleProblem.MISSED, f"nothing started the run of {shown_moment(due.at, schedule.timezone)}{unseen}"
    if last is None:
        return
    when = shown_moment(last.key.logical_time, schedule.timezone)
    if last.cause is SkipCause.MISSED:
        yield ScheduleProblem.MISSED, f"the run of {when} was missed: {last.note}"
    elif last.state is TimeState.RUNNING and not is_running:
        yield ScheduleProblem.LOST, f"the process of the run of {when} died"
    elif last.exit_code:
        because = f": {last.note}" if last.note else ""
        at = again_at(schedule, last)
        again = "" if at is None else f"; it is started again from {shown_moment(at, schedule.timezone)} on"
        yield ScheduleProblem.NOT_GREEN, f"the run of {when} ended with exit code {last.exit_code}{because}{again}"
