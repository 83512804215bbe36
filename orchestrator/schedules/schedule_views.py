"""Implements the verbs that show or change schedules without running them: list, next, check, pause, unpause, skip."""

import json
import sys
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from orchestrator.config.maintenance_settings import reason_at
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.errors import UnknownScheduleError
from orchestrator.execution.liveness import this_process
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.schedule_text import (
    occurrence_to_json,
    overview_to_json,
    print_occurrences,
    print_schedules,
    time_to_json,
)
from orchestrator.report.streams import Lines, open_console
from orchestrator.schedules.option_problems import CommandProblem, option_problems
from orchestrator.schedules.project_schedules import ProjectSchedules, is_alive_now, opened_schedules, utc_now
from orchestrator.schedules.unknown_nodes import unknown_nodes
from orchestrator.schedules.unset_variables import unset_destinations
from orchestrator.scheduling.claims import RecordedTime, SkipCause, TimeKey, TimeState
from orchestrator.scheduling.due import RecordedTimes, timetable_of, triggers_text
from orchestrator.scheduling.overview import ScheduleOverview, ScheduleProblem, overview_of
from orchestrator.scheduling.which_time import parse_moment, time_of_clock
from orchestrator.timetable.cron import Occurrence
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import count


def list_schedules(
    project_dir: Path | None, command_problem: CommandProblem, *, as_json: bool, tags: tuple[str, ...] = ()
) -> int:
    """Print each schedule with its next and last times; the exit code is 0."""
    with opened_schedules(project_dir) as schedules:
        found = overviews(schedules, (), tags, command_problem)
    if as_json:
        _print_json([overview_to_json(one) for one in found])
    else:
        print_schedules(open_console(), found, is_filtered=bool(tags))
    return ExitCode.SUCCESS


def check_schedules(
    project_dir: Path | None, names: tuple[str, ...], command_problem: CommandProblem, *, as_json: bool
) -> int:
    """Print what is wrong with schedules; the exit code is 1 if anything is, for monitoring."""
    with opened_schedules(project_dir) as schedules:
        found = overviews(schedules, names, (), command_problem)
    wrong = [one for one in found if one.problems]
    if as_json:
        _print_json([overview_to_json(one) for one in found])
    else:
        console = open_console()
        named: dict[str, list[str]] = {}  # what several schedules have in common is one line
        for one in wrong:
            for _, sentence in one.problems:
                named.setdefault(sentence, []).append(one.schedule.name)
        for sentence, of_schedules in named.items():
            console.print(f"{', '.join(of_schedules)}: {sentence}", soft_wrap=True)
        if not wrong:
            paused = sum(one.paused_at is not None for one in found)
            of_them = f", {paused} of them paused" if paused else ""
            console.print(f"{count(len(found), 'schedule')}{of_them}: nothing is wrong.")
    return ExitCode.NOT_GREEN if wrong else ExitCode.SUCCESS


def next_times(project_dir: Path | None, name: str | None, *, most: int, as_json: bool) -> int:
    """Print the coming times of one schedule or of all, earliest first; the exit code is 0."""
    with opened_schedules(project_dir) as schedules:
        now = utc_now()
        wanted = [schedules.schedule(name)] if name else list(schedules.settings.schedules.values())
        recorded = schedules.read(now, [one.name for one in wanted])
        found = [line for one in wanted for line in _coming(schedules, one, recorded[one.name], now, most)]
    found = sorted(found, key=lambda line: line[1].at)[:most]
    if as_json:
        _print_json([occurrence_to_json(*line) for line in found])
    else:
        others = [(one, triggers_text(one)) for one in wanted if one.on.is_set]
        print_occurrences(open_console(), found, others)
    return ExitCode.SUCCESS


def pause_schedule(project_dir: Path | None, name: str, *, paused: bool, as_json: bool) -> int:
    """Pause a schedule or end its pause; the exit code is 0, also if nothing changed."""
    with opened_schedules(project_dir) as schedules:
        schedules.schedule(name)
        now, process = utc_now(), this_process()
        schedules.see(now)
        if paused:
            by = f"{process.user}@{process.host}"
            changed = schedules.record.pause(schedules.project, name, at=now, by=by)
        else:
            changed = schedules.record.unpause(schedules.project, name, at=now)
        (overview,) = overviews(schedules, (name,))
    if as_json:
        _print_json({**overview_to_json(overview), "changed": changed})
    elif not changed:
        open_console().print(f"{name} was paused already." if paused else f"{name} was not paused.")
    else:
        ended = f"{name} runs again. Its times during the pause do not run."
        text = f"{name} is paused. Its times do not run until: elt schedule unpause {name}" if paused else ended
        open_console().print(text, soft_wrap=True)
    return ExitCode.SUCCESS


def skip_time(project_dir: Path | None, name: str, at: str, *, undo: bool, as_json: bool) -> int:
    """Skip one coming time of a schedule, or undo that; the exit code is 0.

    Raises:
        UnknownScheduleError: the schedule has no such time, or it has been started already.
    """
    with opened_schedules(project_dir) as schedules:
        schedule = schedules.schedule(name)
        now, process = utc_now(), this_process()
        schedules.see(now)
        moment = parse_moment(at, schedule.timezone)
        shown = shown_moment(moment, schedule.timezone)
        key = TimeKey(project=schedules.project, schedule=name, logical_time=moment)
        if undo:
            if not schedules.record.forget(key):
                raise UnknownScheduleError(f"The time {at} of the schedule {name} was not skipped by a user.")
            text, found = f"{name} will run at {shown} after all.", None
        else:
            time = time_of_clock(schedule, at, moment)
            found = _skipped(time, key, now, f"skipped by {process.user}@{process.host}")
            before = schedules.record.time(key)
            if before is not None and before.state is not TimeState.SKIPPED:
                raise UnknownScheduleError(
                    f"The time {at} of the schedule {name} has been started already (run {before.run_id}).",
                    hint=f"To end the run: elt cancel {before.run_id}" if before.state is TimeState.RUNNING else "",
                )
            if before is None:
                _require_coming(schedule, at, moment, now)
                schedules.record.claim(found)
            text = f"{name} will not run at {shown}."
    if as_json:
        _print_json({"schedule": name, "logical_time": moment.isoformat()} if found is None else time_to_json(found))
    else:
        open_console().print(text)
    return ExitCode.SUCCESS


def _require_coming(schedule: ScheduleSettings, at: str, moment: datetime, now: datetime) -> None:
    if moment > now:
        return
    coming = [one.local.isoformat(timespec="minutes") for one in islice(timetable_of(schedule).after(now), 2)]
    raise UnknownScheduleError(
        f"The time {at} of the schedule {schedule.name} has passed: only a coming time can be skipped.",
        hint=f"Its next times are {' and '.join(coming)}."
        if coming
        else f"It has no coming time: {triggers_text(schedule)}.",
    )


def _skipped(time: ScheduledTime, key: TimeKey, now: datetime, note: str) -> RecordedTime:
    return RecordedTime(
        key=key,
        interval=time.interval,
        state=TimeState.SKIPPED,
        cause=SkipCause.USER,
        note=note,
        claimed_at=now,
        beaten_at=now,
        process=this_process(),
    )


def overviews(
    schedules: ProjectSchedules,
    names: tuple[str, ...],
    tags: tuple[str, ...] = (),
    command_problem: CommandProblem | None = None,
) -> list[ScheduleOverview]:
    """Return the overviews of the named schedules, or of all; with `command_problem`, their options are checked."""
    now = utc_now()
    wanted = [schedules.schedule(name) for name in names] or list(schedules.settings.schedules.values())
    wanted = [one for one in wanted if not tags or set(tags) & set(one.tags)]
    recorded = schedules.read(now, [one.name for one in wanted])
    found = [overview_of(one, recorded[one.name], now, is_alive=is_alive_now) for one in wanted]
    found = [
        replace(one, is_waiting=True, expected_end=None) if one.is_running and not _has_begun(schedules, one) else one
        for one in found
    ]
    if command_problem is None:
        return found
    checked = [one.schedule for one in found if one.paused_at is None]
    settings = schedules.settings
    wrong = {name: (one,) for name, one in option_problems(settings, checked, command_problem).items()}
    for kind, of_schedules in (
        (ScheduleProblem.NOT_TOLD, unset_destinations(settings, checked)),
        (ScheduleProblem.UNKNOWN_NODE, unknown_nodes(settings, checked)),
        (ScheduleProblem.CANNOT_RUN, wrong),
    ):
        found = [_with_problems(one, kind, of_schedules.get(one.schedule.name, ())) for one in found]
    return found


def _has_begun(schedules: ProjectSchedules, overview: ScheduleOverview) -> bool:
    return overview.last is not None and schedules.is_recorded(overview.last.run_id)


def _with_problems(overview: ScheduleOverview, kind: ScheduleProblem, sentences: tuple[str, ...]) -> ScheduleOverview:
    return replace(overview, problems=(*((kind, one) for one in sentences), *overview.problems))


def _coming(
    schedules: ProjectSchedules, schedule: ScheduleSettings, recorded: RecordedTimes, now: datetime, most: int
) -> list[tuple[str, Occurrence, str]]:
    skipped = {time.key.logical_time: time.note for time in recorded.times if time.state is TimeState.SKIPPED}
    is_paused = recorded.schedule.paused_at is not None

    def note(moment: datetime) -> str:
        reason = reason_at(schedules.settings.maintenance, schedule.name, moment)
        return "paused" if is_paused else skipped.get(moment) or (f"skipped: {reason}" if reason else "")

    coming = islice(timetable_of(schedule).after(now), most)
    return [(schedule.name, one, note(one.at)) for one in coming]


def _print_json(document: object) -> None:
    Lines(sys.stdout).write(json.dumps(document, indent=2))
