"""Describes the next run of a schedule, for `elt plan --schedule`."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.conditions.condition import conditions_json, conditions_text
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.report.schedule_text import next_text, overview_to_json
from orchestrator.schedules.project_schedules import ProjectSchedules, opened_schedules
from orchestrator.schedules.schedule_views import overviews
from orchestrator.scheduling.due import time_at
from orchestrator.scheduling.event_time import event_time_words
from orchestrator.scheduling.overview import ScheduleOverview
from orchestrator.scheduling.scheduled_command import words_of
from orchestrator.timetable.placeholders import Moments
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import count, spell


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleHeading:
    """What `elt plan --schedule` shows of the schedule."""

    words: tuple[str, ...]
    """The command line of the run."""
    time: ScheduledTime | None
    """The time that is planned; None if it is not known when the schedule runs next."""
    lines: tuple[str, ...]
    document: Mapping[str, object]


def schedule_heading(project_dir: Path | None, name: str) -> ScheduleHeading:
    """Return what `elt plan --schedule` shows of a schedule; raises UnknownScheduleError."""
    with opened_schedules(project_dir) as schedules:
        (overview,) = overviews(schedules, (name,))
        time = _next_time(schedules, overview)
    schedule = overview.schedule
    moments = None if time is None else Moments(time=time, zone=schedule.timezone)
    words = (*words_of(schedule), *(() if time is None else event_time_words(schedule, time)))
    return ScheduleHeading(
        words=words,
        time=time,
        lines=(
            f"schedule {name}: {next_text(overview)}",
            f"runs: elt {shlex.join(words)}",
            *_lines(schedule, time),
            *(f"waits for: {one}" for one in conditions_text(schedule.wait_for, moments)),
            "",
        ),
        document={
            **overview_to_json(overview),
            "next_run": None if time is None else _time_to_json(schedule, time),
            "retry": {"runs": schedule.retry.runs, "after_seconds": schedule.retry.after.total_seconds()},
            "wait_for": conditions_json(schedule.wait_for, moments),
        },
    )


def _next_time(schedules: ProjectSchedules, overview: ScheduleOverview) -> ScheduledTime | None:
    """Return the next time of a schedule; without one of its own, it has that of the schedule that starts it."""
    schedule, above = overview.schedule, overview.schedule.on.schedule
    if overview.next is not None:
        return time_at(schedule, overview.next.at)
    if overview.paused_at is not None or schedule.cron or above is None:
        return None
    (upstream,) = overviews(schedules, (above,))
    time = _next_time(schedules, upstream)
    if time is None:
        return None
    return ScheduledTime(schedule=schedule.name, logical_time=time.logical_time, interval=time.interval)


def _lines(schedule: ScheduleSettings, time: ScheduledTime | None) -> Iterator[str]:
    zone = schedule.timezone
    if time is not None:
        start, end = (shown_moment(one, zone) for one in (time.interval.start, time.interval.end))
        if not schedule.cron:
            yield f"logical time: {shown_moment(time.logical_time, zone)}, that of {schedule.on.schedule}"
        yield f"data interval: from {start} to {end}"
        deadline = schedule.deadline_of(time.logical_time)
        if deadline is not None:
            yield f"deadline: {shown_moment(deadline, zone)}"
    elif schedule.deadline is not None:
        yield f"deadline: {schedule.deadline:%H:%M} ({zone})"
    if schedule.retry.runs:
        after = spell(schedule.retry.after.total_seconds())
        yield f"retry: at most {count(schedule.retry.runs, 'time')}, {after} after a run that did not succeed"


def _time_to_json(schedule: ScheduleSettings, time: ScheduledTime) -> dict[str, object]:
    start, end = time.interval.texts
    deadline = schedule.deadline_of(time.logical_time)
    return {
        "logical_time": time.logical_time.isoformat(),
        "data_interval_start": start,
        "data_interval_end": end,
        "deadline": None if deadline is None else deadline.isoformat(),
    }
