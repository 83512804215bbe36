"""Installs the schedules of a project in a scheduler, and removes them: shows the difference, then writes it."""

import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from orchestrator.config.loader import find_root, load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import ConfigurationError, EltError, InstallError, ProjectError
from orchestrator.execution.verdict import ExitCode
from orchestrator.report.streams import open_console
from orchestrator.schedules.file_changes import (
    CRONTAB,
    FileChange,
    delete_units,
    lingers,
    read_crontab,
    read_file,
    require_program,
    start_units,
    unit_folder,
)
from orchestrator.schedules.gathered_facts import gather_facts, owner_of, repository_of
from orchestrator.schedules.install_refusals import hosted_notes, refuse, require_own_file, require_shell
from orchestrator.scheduling.hosted_schedulers import gitlab_file, gitlab_schedules, hosted_files
from orchestrator.scheduling.install_facts import (
    HOSTED,
    ExternalScheduler,
    InstallFacts,
    Volume,
    is_of_project,
    unit_name,
)
from orchestrator.scheduling.local_schedulers import (
    crontab_with,
    crontab_without,
    environment_notes,
    project_of_unit,
    projects_in_crontab,
    systemd_units,
)
from orchestrator.wording import count

_FOLDERS = {
    ExternalScheduler.GITHUB: (".github/workflows", "elt-*.yml"),
    ExternalScheduler.GITLAB: (".gitlab", "elt-*.yml"),
    ExternalScheduler.KUBERNETES: ("kubernetes", "elt-*.yaml"),
}
"""Where the files of a scheduler are in the repository."""


def install_schedules(
    project_dir: Path | None,
    scheduler: ExternalScheduler,
    names: tuple[str, ...],
    *,
    dry_run: bool,
    image: str | None,
    volume: str | None,
    consents: Callable[[str], bool],
) -> int:
    """Show what changes, and change it; a second call changes nothing. The exit code is 0.

    Raises:
        InstallError: the scheduler cannot be used here.
    """
    settings = load_settings(project_dir)
    facts = gather_facts(settings, scheduler, names, image, _volume(scheduler, volume))
    refuse(settings, scheduler, facts)
    changes = tuple(_wanted(scheduler, facts, dry_run=dry_run))
    if scheduler is ExternalScheduler.SYSTEMD and not dry_run:
        require_program("systemctl")
    return _apply(scheduler, changes, tuple(_notes(settings, scheduler, facts)), dry_run, consents)


def remove_schedules(
    project_dir: Path | None, scheduler: ExternalScheduler, *, dry_run: bool, consents: Callable[[str], bool]
) -> int:
    """Remove what `install_schedules` has written. The exit code is 0, also if there is nothing to remove.

    Neither the project nor a valid elt.yml needs to exist: only the folder counts.
    """
    problem: EltError | None = None
    try:
        root = find_root(project_dir)
    except (ProjectError, ConfigurationError) as error:
        root, problem = (project_dir or Path.cwd()).resolve(), error
    changes = tuple(one for one in _removed(scheduler, root) if one.before != one.after)
    if not changes and problem is not None:
        raise problem
    return _apply(scheduler, changes, (), dry_run, consents)


def _volume(scheduler: ExternalScheduler, text: str | None) -> Volume | None:
    if text is None:
        return None
    claim, colon, folder = text.rpartition(":")
    hint = "Write --volume CLAIM:/data for kubernetes, --volume /data for github and gitlab."
    if scheduler not in HOSTED:
        raise InstallError(f"--volume is not for {scheduler}, whose runs are on this machine.", hint="Leave it out.")
    if not folder.startswith("/"):
        raise InstallError(f"The folder of --volume {text} is not absolute.", hint=hint)
    if (scheduler is ExternalScheduler.KUBERNETES) != bool(claim) or bool(colon) != bool(claim):
        needs = "needs the name of a PersistentVolumeClaim" if not claim else "has no PersistentVolumeClaim"
        raise InstallError(f"--volume {text}: {scheduler} {needs}.", hint=hint)
    return Volume(folder=PurePosixPath(folder), claim=claim or None)


def _wanted(scheduler: ExternalScheduler, facts: InstallFacts, *, dry_run: bool) -> Iterator[FileChange]:
    if scheduler is ExternalScheduler.CRON:
        try:
            before = read_crontab()
        except InstallError:
            if not dry_run:
                raise
            before = ""  # the lines are shown, for whoever may add them
        require_shell(before)
        yield FileChange(path=CRONTAB, before=before, after=crontab_with(before, facts))
        return
    if scheduler is ExternalScheduler.SYSTEMD:
        files = {unit_folder() / name: text for name, text in systemd_units(facts).items()}
    else:
        repository = repository_of(facts.project_root)
        files = {repository / path: text for path, text in hosted_files(scheduler, facts).items()}
    for path, text in files.items():
        existing = read_file(path)
        require_own_file(path, existing)
        yield FileChange(path=path, before=existing, after=text)
    yield from (one for one in _removed(scheduler, facts.project_root) if one.path not in files)


def _removed(scheduler: ExternalScheduler, root: Path) -> Iterator[FileChange]:
    if scheduler is ExternalScheduler.CRON:
        before = read_crontab()
        yield FileChange(path=CRONTAB, before=before, after=crontab_without(before, root))
        return
    if scheduler is ExternalScheduler.SYSTEMD:
        paths = [unit_folder() / f"{unit_name(root)}{suffix}" for suffix in (".service", ".timer")]
        texts = {path: read_file(path) for path in paths}
    else:
        repository = repository_of(root)
        folder, pattern = _FOLDERS[scheduler]
        of_project = str(root.relative_to(repository))
        found = {path: read_file(path) or "" for path in sorted((repository / folder).glob(pattern))}
        texts = {path: text for path, text in found.items() if is_of_project(text, of_project)}
    for path, existing in texts.items():
        if existing is not None:
            yield FileChange(path=path, before=existing, after=None)


def _notes(settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts) -> Iterator[str]:
    match scheduler:
        case ExternalScheduler.GITLAB:
            yield f"Add to .gitlab-ci.yml: include: [{{local: {gitlab_file(facts)}}}]"
            yield "Create these pipeline schedules (Build > Pipeline schedules):"
            yield from (f"  {line}" for line in gitlab_schedules(facts))
            yield from hosted_notes(settings, scheduler, facts)
        case ExternalScheduler.GITHUB | ExternalScheduler.KUBERNETES:
            yield from hosted_notes(settings, scheduler, facts)
        case _:
            is_root = os.geteuid() == 0
            yield from environment_notes(scheduler, facts, is_root=is_root, lingers=lingers())
            if scheduler is ExternalScheduler.CRON and is_root and (owner := owner_of(facts.project_root)) != "root":
                yield f"cron runs this as root, but the project belongs to {owner}. Install it as {owner} instead."
            yield from _gone(scheduler)


def _gone(scheduler: ExternalScheduler) -> Iterator[str]:
    """Yield a line for each installed project whose folder no longer exists."""
    if scheduler is ExternalScheduler.CRON:
        try:
            roots = projects_in_crontab(read_crontab())
        except InstallError:
            return
    else:
        texts = [read_file(path) or "" for path in sorted(unit_folder().glob("elt-*.service"))]
        roots = tuple(root for text in texts if (root := project_of_unit(text)) is not None)
    for root in roots:
        if not root.exists():
            yield (
                f"{scheduler} also starts {root}, which does not exist. If it was moved or deleted:"
                f" elt schedule remove --as {scheduler} --project-dir {shlex.quote(str(root))}"
            )


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
        console.print(change.difference, soft_wrap=True, end="")
    if not changes:
        console.print("Nothing changes.")
    elif dry_run:
        console.print("Nothing was changed (--dry-run).")
    elif not consents(f"This changes {count(len(changes), 'file')}."):
        console.print("Nothing was changed.")
        return ExitCode.USAGE
    else:
        _write(scheduler, changes)
    for note in notes:
        console.print(note, soft_wrap=True)
    return ExitCode.SUCCESS


def _write(scheduler: ExternalScheduler, changes: tuple[FileChange, ...]) -> None:
    if scheduler is ExternalScheduler.SYSTEMD and all(one.after is None for one in changes):
        delete_units(changes)
        return
    for change in changes:
        change.write()
    if scheduler is ExternalScheduler.SYSTEMD:
        start_units(changes)
