"""Writes what lets cron and systemd start the schedules of a project: pure functions from facts to text."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from orchestrator.scheduling.install_facts import (
    ENVIRONMENT,
    GRACE,
    WRITTEN,
    ExternalScheduler,
    InstallFacts,
    unit_name,
)

LONGEST_COMMAND = 998
"""The characters of a command that every cron accepts; longer ones are refused or cut."""
_LOG = '".elt/logs/schedule-$(date +%Y-%m).log"'
_KEPT = 400
"""Days after which the log of a month is deleted, when that of a new month begins."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\\]")
_SHELL = re.compile(r"^\s*SHELL\s*=\s*['\"]?(?P<shell>[^'\"\s]+)", re.MULTILINE)
_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
_BEGIN = re.compile(r"# elt schedules of (?P<root>.+): begin")


def unsafe_character(path: Path) -> str | None:
    """Return a character of a path that neither crontabs nor units can contain; None if there is none."""
    found = _UNSAFE.search(str(path))
    return found[0] if found else None


def crontab_with(crontab: str, facts: InstallFacts) -> str:
    """Return a crontab in which a block starts the schedules of the project; other lines stay as they are."""
    begin, end = _marks(facts.project_root)
    # cron reads % as the end of the command.
    block = [begin, "* * * * * " + cron_command(facts).replace("%", "\\%"), end]
    kept = crontab_without(crontab, facts.project_root)
    before = kept if not kept or kept.endswith("\n") else kept + "\n"
    return before + "\n".join(block) + "\n"


def cron_command(facts: InstallFacts) -> str:
    """Return what the shell of cron runs: cron knows no folder, nearly no environment, and mails what is printed."""
    old = f"find .elt/logs -name 'schedule-*.log' -mtime +{_KEPT} -exec rm {{}} +"
    steps = (
        f"cd {shlex.quote(str(facts.project_root))}",
        "mkdir -p .elt/logs",
        f"L={_LOG}",
        f'{{ [ -f "$L" ] || {old} || :; }}',
        f'export PATH={shlex.quote(str(PurePosixPath(facts.python).parent))}:"$PATH"',
        f"{{ set -a; [ ! -f {ENVIRONMENT} ] || . ./{ENVIRONMENT}; set +a; }}",
        f'{shlex.join(facts.local_command)} >> "$L" 2>&1',
    )
    return " && ".join(steps)


def crontab_without(crontab: str, project_root: Path) -> str:
    """Return a crontab without the block of a project."""
    begin, end = _marks(project_root)
    lines = crontab.split("\n")
    while begin in lines:
        at = lines.index(begin)
        # Someone may have deleted the last line of the block: what follows it is not ours.
        ours = lines.index(end, at) + 1 if end in lines[at:] else at + 1 + lines[at + 1].startswith("* * * * * cd ")
        del lines[at:ours]
    return "\n".join(lines)


def other_shell(crontab: str) -> str | None:
    """Return the shell that a crontab chooses for its last lines, if it reads other commands than /bin/sh."""
    shells = _SHELL.findall(crontab)
    return shells[-1] if shells and PurePosixPath(shells[-1]).name not in _SHELLS else None


def projects_in_crontab(crontab: str) -> tuple[Path, ...]:
    """Return the folders of the projects that a crontab starts."""
    return tuple(Path(found["root"]) for line in crontab.split("\n") if (found := _BEGIN.fullmatch(line)))


def _marks(project_root: Path) -> tuple[str, str]:
    return f"# elt schedules of {project_root}: begin", f"# elt schedules of {project_root}: end"


def systemd_units(facts: InstallFacts) -> dict[str, str]:
    """Return the units by their names: a service that starts what is due, and the timer that wakes it each minute."""
    command = " ".join(_quoted(word) for word in facts.local_command)
    root = _path(facts.project_root)
    pattern = re.sub(r"([*?[])", r"\\\1", root)  # systemd reads the path as one
    path = f"PATH={PurePosixPath(facts.python).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    user = f"User={facts.user}\n" if facts.user else ""
    service = f"""{WRITTEN}
[Unit]
Description=elt schedules of {root}

[Service]
Type=oneshot
{user}WorkingDirectory={root}
Environment={_quoted(path, is_command=False)}
EnvironmentFile=-{pattern}/{ENVIRONMENT}
ExecStart={command}
KillMode=mixed
TimeoutStopSec={GRACE}
"""
    timer = f"""{WRITTEN}
[Unit]
Description=Wake the elt schedules of {root}

[Timer]
OnCalendar=minutely
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
    name = unit_name(facts.project_root)
    return {f"{name}.service": service, f"{name}.timer": timer}


def project_of_unit(text: str) -> Path | None:
    """Return the folder of the project that a service of elt starts; None for any other unit."""
    found = re.search(r"^WorkingDirectory=(.+)$", text, re.MULTILINE)
    return Path(found[1].replace("%%", "%")) if found and text.startswith(WRITTEN) else None


def _path(path: Path) -> str:
    """Return a path for a line that holds nothing else: only % has a meaning there."""
    return str(path).replace("%", "%%")


def _quoted(text: str, *, is_command: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text.replace("$", "$$") if is_command else text}"'


def environment_notes(
    scheduler: ExternalScheduler, facts: InstallFacts, *, is_root: bool, lingers: bool = False
) -> Iterator[str]:
    """Yield what cron and systemd need besides their files: they start with nearly no environment."""
    if facts.variables.required:
        file = shlex.quote(str(facts.project_root / ENVIRONMENT))
        yield (
            f"{scheduler} does not know the environment of your shell. Write these variables:"
            f" {', '.join(facts.variables.required)}"
        )
        yield f"as lines NAME='value' into a file that only you can read: install -m 600 /dev/null {file}"
        if facts.variables.with_default:
            yield f"These have a default, and may be in the file as well: {', '.join(facts.variables.with_default)}"
    if scheduler is ExternalScheduler.SYSTEMD and not is_root and not lingers:
        yield "A timer of a user stops when the user logs out, unless you call: loginctl enable-linger"
