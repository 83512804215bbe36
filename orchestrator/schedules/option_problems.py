"""Finds why the runs of a schedule cannot start, as far as that is known without dbt."""

import os
from collections.abc import Callable
from pathlib import Path

from orchestrator.config.profile_file import PROFILE_VARIABLES, target_problem
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.scheduling.install_facts import ENVIRONMENT
from orchestrator.scheduling.scheduled_command import words_of

CommandProblem = Callable[[tuple[str, ...], Path | None], str | None]
"""Returns what is wrong with the words of a command line in a project folder; None if nothing is."""


def option_problem(settings: Settings, schedule: ScheduleSettings, command_problem: CommandProblem) -> str | None:
    """Return why the options of a schedule cannot be used: a value that its verb refuses, or a missing target."""
    wrong = command_problem(words_of(schedule), settings.dbt_project_dir)
    if wrong is not None:
        return f"its options cannot be given to `elt {schedule.verb.value}`: {wrong}"
    # The scheduler may start the runs with another profile than the environment of this process names.
    if _environment_chooses_target(settings.project_root / ENVIRONMENT):
        return None
    return target_problem(settings.dbt_project_dir, schedule.options, os.environ)


def _environment_chooses_target(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return any(name in text for name in PROFILE_VARIABLES)
