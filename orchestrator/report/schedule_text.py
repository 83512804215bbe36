"""Prints schedules, their times and what happens to them, for users and for programs."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.plan.estimate import estimate_to_json
from orchestrator.report.estimate_text import estimate_text, minute
from orchestrator.report.streams import Lines, print_wide
from orchestrator.report.words import duration
from orchestrator.scheduling.claims import RecordedTime, SkipCause, TimeState
from orchestrator.scheduling.due import again_at
from orchestrator.scheduling.overview import ScheduleOverview
from orchestrator.timetable.cron import Occurrence
from orchestrator.timetable.shown_moment import shown_clock, shown_moment


def tell_of_time(schedule: ScheduleSettings, time: RecordedTime, text: str) -> None:
    """Write what happens to one time of a schedule to standard error."""
    at = shown_moment(time.key.logical_time, schedule.timezone)
    Lines(sys.stderr).write(f"schedule {schedule.name}, {at}: {text}")


def tell_of_schedules(text: str, *, at: datetime) -> None:
    """Write what the process that starts schedules does to standard error."""
    Lines(sys.stderr).write(f"{shown_moment(at, seconds=True)}  {text}")


def print_schedules(console: Console, overviews: Sequence[ScheduleOverview], *, is_filtered: bool = False) -> None:
    """Print one line per schedule, and below the table what is wrong with each."""
    if not overviews:
        console.print("No schedule has one of these tags." if is_filtered else "elt.yml has no schedules.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in ("schedule", "next", "takes", "last", "result", "runs"):
        table.add_column(name, no_wrap=name != "runs", overflow="fold")
    for one in overviews:
        takes = "" if one.takes is None else estimate_text(one.takes)
        table.add_row(one.schedule.name, next_text(one), takes, _last_text(one), _result_text(one), _runs_text(one))
    print_wide(console, table)
    for one in overviews:
        for _, sentence in one.problems:
            console.print(Text.assemble((f"{one.schedule.name}: ", "bold"), (sentence, "red")), soft_wrap=True)


def print_occurrences(
    console: Console,
    occurrences: Sequence[tuple[str, Occurrence, str]],
    others: Sequence[tuple[ScheduleSettings, str]] = (),
) -> None:
    """Print coming times: the schedule, the time, and what is special about it; then what else starts schedules."""
    if occurrences:
        _print_times(console, occurrences)
    elif not others:
        console.print("No times: elt.yml has no schedules.")
    for schedule, text in others:
        also = text.replace("it starts", "it also starts") if schedule.cron else f"no times of its own; {text}"
        upstream = schedule.on.schedule
        look = f" (its times: elt schedule next {upstream})" if upstream is not None else ""
        console.print(f"{schedule.name}: {also}{look}", soft_wrap=True)


def _print_times(console: Console, occurrences: Sequence[tuple[str, Occurrence, str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in ("schedule", "time", "UTC", ""):
        table.add_column(name, no_wrap=name != "", overflow="fold")
    for name, occurrence, note in occurrences:
        local = shown_moment(occurrence.at, occurrence.local.tzinfo, weekday=True)
        table.add_row(name, local, f"{occurrence.at:%Y-%m-%d %H:%M}", note or occurrence.note)
    print_wide(console, table)


def overview_to_json(one: ScheduleOverview) -> dict[str, Any]:
    """Return a schedule with its state as JSON."""
    schedule = one.schedule
    return {
        "schedule": schedule.name,
        "description": schedule.description,
        "owner": schedule.owner,
        "tags": list(schedule.tags),
        "cron": list(schedule.cron),
        "timezone": schedule.timezone,
        "verb": schedule.verb.value,
        "options": dict(schedule.options),
        "paused_at": _iso(one.paused_at),
        "next": None if one.next is None else occurrence_to_json(schedule.name, one.next),
        "last": None if one.last is None else time_to_json(one.last),
        "running": one.is_running,
        "waiting": one.is_waiting,
        "estimate": estimate_to_json(one.takes),
        "expected_end": _iso(one.expected_end),
        "late_seconds": None if one.late_by is None else one.late_by.total_seconds(),
        "problems": [{"kind": kind.value, "message": sentence} for kind, sentence in one.problems],
    }


def occurrence_to_json(schedule: str, occurrence: Occurrence, note: str = "") -> dict[str, Any]:
    """Return one coming time as JSON."""
    return {
        "schedule": schedule,
        "logical_time": occurrence.at.isoformat(),
        "local_time": occurrence.local.isoformat(),
        "note": note or occurrence.note,
    }


def time_to_json(time: RecordedTime) -> dict[str, Any]:
    """Return one recorded time as JSON."""
    return {
        "schedule": time.key.schedule,
        "logical_time": time.key.logical_time.isoformat(),
        "data_interval_start": time.interval.start.isoformat(),
        "data_interval_end": time.interval.end.isoformat(),
        "state": time.state.value,
        "cause": None if time.cause is None else time.cause.value,
        "note": time.note,
        "exit_code": time.exit_code,
        "run_id": time.run_id,
        "starts": time.starts,
        "again_at": _iso(time.again_at),
        "claimed_at": _iso(time.claimed_at),
        "ended_at": _iso(time.ended_at),
    }


def next_text(one: ScheduleOverview) -> str:
    """Return when a schedule runs next, or what starts it."""
    if one.paused_at is not None:
        return f"paused since {shown_moment(one.paused_at, one.schedule.timezone)}"
    if one.next is None:
        return _trigger_text(one)
    shown = shown_moment(one.next.at, one.schedule.timezone, weekday=True)
    return shown + (f" ({one.next.note})" if one.next.note else "")


def _trigger_text(one: ScheduleOverview) -> str:
    on = one.schedule.on
    named = (("new files", on.files), ("changes of", on.table), ("after", on.schedule))
    return ", ".join(f"{word} {value}" for word, value in named if value) or "never"


def _last_text(one: ScheduleOverview) -> str:
    if one.last is None:
        return "none yet"
    return shown_moment(one.last.key.logical_time, one.schedule.timezone, weekday=True)


def _result_text(one: ScheduleOverview) -> Text:
    last = one.last
    if last is None:
        return Text("")
    if one.is_running:
        return Text(_running_text(one), "cyan")
    if last.state is TimeState.PENDING:
        return Text("starts with the next look", "cyan")
    if last.state is TimeState.RUNNING:
        return Text("lost", "red")
    if last.cause is SkipCause.MISSED:
        return Text("missed", "red")
    if last.cause is not None:
        return Text(f"skipped ({last.cause})", "yellow")
    return _ended_text(one, last)


def _ended_text(one: ScheduleOverview, last: RecordedTime) -> Text:
    took = f" in {duration(last.ended_at - last.claimed_at)}" if last.ended_at is not None else ""
    if last.exit_code == 0:
        late = "" if one.late_by is None else f", {duration(one.late_by)} late"
        return Text(f"success{took}{late}", "yellow" if late else "green")
    at = again_at(one.schedule, last)
    again = f", again at {shown_clock(at, one.schedule.timezone)}" if at is not None else ""
    return Text(f"exit code {last.exit_code}{took}{again}", "red")


def _running_text(one: ScheduleOverview) -> str:
    if one.is_waiting:
        return "waiting for its conditions" if one.schedule.wait_for else "starting"
    if one.expected_end is not None:
        return f"running, done by {minute(one.expected_end, one.schedule.timezone)}"
    return "running" if one.takes is None else "running, longer than expected"


def _runs_text(one: ScheduleOverview) -> str:
    return one.schedule.description or f"elt {one.schedule.verb.value}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
