"""Converts a schedule to the command line of its verb, and names its project."""

from pathlib import Path

import yaml

from orchestrator.config.schedule_options import option_words
from orchestrator.config.schedule_settings import OnBusySchedule, ScheduleSettings
from orchestrator.config.yaml_mapping import read_mapping


def words_of(schedule: ScheduleSettings) -> tuple[str, ...]:
    """Return the command line that a schedule stands for, from the verb on."""
    on_busy = "wait" if schedule.on_busy is OnBusySchedule.WAIT else "refuse"
    return (schedule.verb.value, *option_words(schedule.options), "--on-busy", on_busy)


def project_name(dbt_project_dir: Path) -> str:
    """Return the name in dbt_project.yml; the name of the folder if it cannot be read, which dbt reports better."""
    try:
        return str(read_mapping(dbt_project_dir / "dbt_project.yml")["name"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError):
        return dbt_project_dir.name
