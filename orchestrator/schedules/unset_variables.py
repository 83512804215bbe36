"""Finds destinations and dead-man's switches whose URL is not known, because a variable or a file is missing."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.scheduling.install_facts import ENVIRONMENT
from orchestrator.wiring.notification_destinations import destination_url

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$", re.MULTILINE)


def unset_destinations(settings: Settings, schedules: Iterable[ScheduleSettings]) -> Mapping[str, tuple[str, ...]]:
    """Return, by schedule, a sentence for each URL that its runs will not know."""
    environ = {**_environment_of_runs(settings.project_root / ENVIRONMENT), **os.environ}
    unknown: dict[str, str] = {}
    for name in settings.notifications.destinations:
        try:
            destination_url(settings, name, environ)
        except ValueError as error:
            unknown[name] = f"the destination {name} gets no notifications: {error}"
    found: dict[str, tuple[str, ...]] = {}
    for schedule in schedules:
        sentences = [sentence for name, sentence in unknown.items() if name in _destinations_of(settings, schedule)]
        if schedule.ping is not None:
            try:
                schedule.ping.filled(environ)
            except ValueError as error:
                sentences.append(f"its ping is not called: {error}")
        if sentences:
            found[schedule.name] = tuple(sentences)
    return found


def _destinations_of(settings: Settings, schedule: ScheduleSettings) -> set[str]:
    """Return the destinations that may be told of the runs of a schedule, also by way of an escalation."""
    rules = [rule for rule in settings.notifications.rules if not rule.schedules or schedule.name in rule.schedules]
    named = {*schedule.notify, *(name for rule in rules for name in rule.to)}
    known = settings.notifications.destinations
    return named | {to for name in named if name in known for to in known[name].escalate.to}


def _environment_of_runs(file: Path) -> Mapping[str, str]:
    """Return what cron and systemd give to the runs."""
    try:
        return dict(_ASSIGNMENT.findall(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return {}
