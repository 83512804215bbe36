"""Installs the schedules of a project in a scheduler, and removes them: shows the difference, then writes it."""

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import __version__
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import InstallError, UnknownScheduleError
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.streams import open_console
from orchestrator.schedules.project_schedules import utc_now
from orchestrator.scheduling.installed_files import (
    HOSTED,
    WRITTEN,
    ExternalScheduler,
    InstallFacts,
    crontab_with,
    crontab_without,
    environment_notes,
    github_workflows,
    gitlab_files,
    gitlab_schedules,
    kubernetes_files,
    named_variables,
    systemd_units,
    variables_in,
)
from orchestrator.wording import count

_CRONTAB = Path("crontab")
"""Stands for the crontab of the user, which is no file that a user writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file as it is, and as it is to be; None for a file that does not exist."""

    path: Path
    before: str | None
    after: str | None


def install_schedules(
    project_dir: Path | None,
    scheduler: ExternalScheduler,
    names: tuple[str, ...],
    *,
    dry_run: bool,
    image: str | None,
    consents: Callable[[str], bool],
) -> int:
    """Show what changes, and change it; a second call changes nothing. The exit code is 0.

    Raises:
        InstallError: the scheduler cannot be used here.
    """
    settings = load_settings(project_dir)
    facts = _facts(settings, names, image)
    _refuse(settings, scheduler, facts)
    return _apply(scheduler, tuple(_wanted(scheduler, facts)), _notes(scheduler, facts), dry_run, consents)


def remove_schedules(
    project_dir: Path | None, scheduler: ExternalScheduler, *, dry_run: bool, consents: Callable[[str], bool]
) -> int:
    """Remove what `install_schedules` has written. The exit code is 0, also if there is nothing to remove."""
    settings = load_settings(project_dir)
    facts = _facts(settings, (), None)
    return _apply(scheduler, tuple(_removed(scheduler, facts)), (), dry_run, consents)


def _facts(settings: Settings, names: tuple[str, ...], image: str | None) -> InstallFacts:
    for name in names:
        if name not in settings.schedules:
            raise UnknownScheduleError(
                f"elt.yml has no schedule {name}.", hint="`elt schedule list` lists the schedules."
            )
    chosen = tuple(settings.schedules[name] for name in names) or tuple(settings.schedules.values())
    repository = _repository(settings.project_root)
    requirements = repository / "requirements.txt"
    return InstallFacts(
        project_root=settings.project_root,
        folder_in_repository=str(settings.project_root.relative_to(repository)),
        python=sys.executable,
        version=__version__,
        schedules=chosen,
        named=bool(names),
        variables=variables_in(dict(_texts(settings))),
        requirements=requirements.name if requirements.is_file() else None,
        image=image,
        year=utc_now().year,
    )


def _texts(settings: Settings) -> Iterator[tuple[str, str]]:
    folders = (settings.dbt_project_dir, settings.project_root)
    files = {settings.elt_yml, *(folder / name for folder in folders for name in ("profiles.yml", "dbt_project.yml"))}
    for file in files:
        if file is not None and file.is_file():
            yield str(file), file.read_text(encoding="utf-8", errors="replace")


def _repository(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _refuse(settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts) -> None:
    if not facts.schedules:
        raise InstallError("elt.yml has no schedules.", hint="Add one: see docs/scheduling.md.")
    if scheduler in HOSTED and "://" not in settings.store:
        raise InstallError(
            f"{scheduler} runs each start in a new container, in which the record {settings.store} would be empty:"
            " every time would run again, and nothing could be resumed.",
            hint="Set `store` in elt.yml to a PostgreSQL database: postgresql://user:${PASSWORD}@host/database",
        )
    untimed = [one.name for one in facts.schedules if not one.cron]
    if scheduler in HOSTED and untimed:
        raise InstallError(
            f"{scheduler} can start only what has a time: {', '.join(untimed)} has none.",
            hint="Name the schedules with `cron`; what starts `on` something else runs in `elt schedule start`.",
        )
    if scheduler is ExternalScheduler.KUBERNETES and not facts.image:
        raise InstallError("A CronJob needs a container image.", hint="Name it: --image registry/project:tag")


def _wanted(scheduler: ExternalScheduler, facts: InstallFacts) -> Iterator[FileChange]:
    if scheduler is ExternalScheduler.CRON:
        before = _crontab()
        yield FileChange(path=_CRONTAB, before=before, after=crontab_with(before, facts))
        return
    files = _files(scheduler, facts)
    for path, text in files.items():
        yield FileChange(path=path, before=_text(path), after=text)


def _removed(scheduler: ExternalScheduler, facts: InstallFacts) -> Iterator[FileChange]:
    if scheduler is ExternalScheduler.CRON:
        before = _crontab()
        yield FileChange(path=_CRONTAB, before=before, after=crontab_without(before, facts.project_root))
        return
    for folder, pattern in _places(scheduler, facts).items():
        for path in sorted(folder.glob(pattern)):
            if (text := _text(path)) is not None and text.startswith(WRITTEN):
                yield FileChange(path=path, before=text, after=None)


def _files(scheduler: ExternalScheduler, facts: InstallFacts) -> Mapping[Path, str]:
    writers = {
        ExternalScheduler.SYSTEMD: systemd_units,
        ExternalScheduler.GITHUB: github_workflows,
        ExternalScheduler.GITLAB: gitlab_files,
        ExternalScheduler.KUBERNETES: kubernetes_files,
    }
    root = _unit_folder() if scheduler is ExternalScheduler.SYSTEMD else _repository(facts.project_root)
    return {root / path: text for path, text in writers[scheduler](facts).items()}


def _places(scheduler: ExternalScheduler, facts: InstallFacts) -> Mapping[Path, str]:
    repository = _repository(facts.project_root)
    return {
        ExternalScheduler.SYSTEMD: {_unit_folder(): f"{facts.slug}.*"},
        ExternalScheduler.GITHUB: {repository / ".github/workflows": "elt-*.yml"},
        ExternalScheduler.GITLAB: {repository / ".gitlab": "elt-schedules.yml"},
        ExternalScheduler.KUBERNETES: {repository / "kubernetes": "elt-*.yaml"},
    }[scheduler]


def _unit_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def _notes(scheduler: ExternalScheduler, facts: InstallFacts) -> tuple[str, ...]:
    match scheduler:
        case ExternalScheduler.GITLAB:
            return (
                "Add to .gitlab-ci.yml: include: [{local: .gitlab/elt-schedules.yml}]",
                "Create these pipeline schedules (Build > Pipeline schedules):",
                *(f"  {line}" for line in gitlab_schedules(facts)),
                *named_variables("Add these CI/CD variables", facts),
            )
        case ExternalScheduler.GITHUB:
            return named_variables("Add these secrets of the repository", facts)
        case ExternalScheduler.KUBERNETES:
            return named_variables("Create the secret elt with these keys", facts)
        case _:
            return tuple(environment_notes(scheduler, facts, is_root=os.geteuid() == 0))


def _apply(
    scheduler: ExternalScheduler,
    changes: tuple[FileChange, ...],
    notes: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001  # passed on by the two functions above
    consents: Callable[[str], bool],
) -> int:
    console = open_console()
    changes = tuple(one for one in changes if one.before != one.after)
    for change in changes:
        console.print(_difference(change), soft_wrap=True, end="")
    if not changes:
        console.print("Nothing changes.")
    elif dry_run:
        console.print("Nothing was changed (--dry-run).")
    elif not consents(f"This changes {count(len(changes), 'file')}."):
        console.print("Nothing was changed.")
        return ExitCode.USAGE
    else:
        for change in changes:
            _write(change)
        if scheduler is ExternalScheduler.SYSTEMD:
            _reload_systemd(changes)
    for note in notes:
        console.print(note, soft_wrap=True)
    return ExitCode.SUCCESS


def _difference(change: FileChange) -> str:
    before, after = ((text or "").splitlines(keepends=True) for text in (change.before, change.after))
    return "".join(difflib.unified_diff(before, after, str(change.path), str(change.path)))


def _write(change: FileChange) -> None:
    if change.path == _CRONTAB:
        _run(["crontab", "-"], change.after or "")
        return
    try:
        if change.after is None:
            change.path.unlink()
        else:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_text(change.after, encoding="utf-8")
    except OSError as error:
        raise InstallError(
            f"{change.path} cannot be written: {error.strerror}.",
            hint="Change its permissions, or print it with --dry-run and give it to someone who may write it.",
        ) from error


def _reload_systemd(changes: tuple[FileChange, ...]) -> None:
    user = [] if os.geteuid() == 0 else ["--user"]
    timers = [one.path.name for one in changes if one.path.suffix == ".timer"]
    is_installed = any(one.after is not None for one in changes)
    words = [["daemon-reload"]]
    if timers:
        words.append(["enable" if is_installed else "disable", "--now", *timers])
    commands = [["systemctl", *user, *one] for one in (words if is_installed else words[::-1])]
    for command in commands:
        try:
            _run(command)
        except InstallError as error:
            raise InstallError(
                f"The units are written, but systemd does not take them: {error.message}",
                hint="Run this where systemd runs: " + " && ".join(" ".join(one) for one in commands),
            ) from error


def _crontab() -> str:
    """Return the crontab of the user; empty if there is none."""
    done = _called(["crontab", "-l"])
    if done.returncode and "no crontab" not in done.stderr.lower():
        raise InstallError(f"The crontab cannot be read: {done.stderr.strip()}", hint=_ALLOWED)
    return "" if done.returncode else done.stdout


_ALLOWED = "Ask whoever runs this machine to allow it (/etc/cron.allow), or use --as systemd."


def _run(command: list[str], text: str = "") -> None:
    done = _called(command, text)
    if done.returncode:
        raise InstallError(f"`{' '.join(command)}` failed: {done.stderr.strip()}", hint=_ALLOWED)


def _called(command: list[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    program = shutil.which(command[0])
    if program is None:
        raise InstallError(
            f"The program {command[0]} is not installed.",
            hint="Install it, or let another scheduler start the schedules: elt schedule install --help",
        )
    return subprocess.run([program, *command[1:]], input=text, capture_output=True, text=True, check=False)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror}.", hint="Change its permissions.") from error
