"""Finds why the runs of a schedule cannot start, as far as that is known without dbt."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from orchestrator.config.profile_file import PROFILE_VARIABLES, TARGET_OPTIONS, target_problem
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.scheduling.install_facts import ENVIRONMENT
from orchestrator.scheduling.scheduled_command import words_of

CommandProblem = Callable[[tuple[str, ...], Path | None], str | None]
"""Returns what is wrong with the words of a command line in a project folder; None if nothing is."""


def option_problems(
    settings: Settings, schedules: Iterable[ScheduleSettings], command_problem: CommandProblem
) -> Mapping[str, str]:
    """Return, by schedule, why its options cannot be used: a value that its verb refuses, or a missing target."""
    # The scheduler may start the runs with another profile than the environment of this process names.
    is_chosen_there = _environment_chooses_target(settings.project_root / ENVIRONMENT)
    targets: dict[tuple[str, ...], str | None] = {}  # most schedules have the same one, and files are read for each
    found = {}
    for schedule in schedules:
        wrong = command_problem(words_of(schedule), settings.dbt_project_dir)
        if wrong is not None:
            found[schedule.name] = f"its options cannot be given to `elt {schedule.verb.value}`: {wrong}"
        elif not is_chosen_there:
            key = tuple(repr(schedule.options.get(name)) for name in TARGET_OPTIONS)
            if key not in targets:
                targets[key] = target_problem(settings.dbt_project_dir, schedule.options, os.environ)
            if (missing := targets[key]) is not None:
                found[schedule.name] = missing
    return found


def _environment_chooses_target(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return any(name in text for name in PROFILE_VARIABLES)
