"""Defines what the files depend on that let a scheduler start the schedules of a project."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.project_packages import Packages

WRITTEN = "# Written by `elt schedule install`; `elt schedule remove` deletes it."
GRACE = 60  # seconds
ENVIRONMENT = ".elt/schedule.env"
"""The file in the folder of elt.yml from which cron and systemd take the environment of the runs."""
_LONGEST = 44
"""The longest label: the name of a CronJob has at most 52 characters."""


class ExternalScheduler(StrEnum):
    """What starts the schedules."""

    CRON = "cron"
    SYSTEMD = "systemd"
    GITHUB = "github"
    GITLAB = "gitlab"
    KUBERNETES = "kubernetes"


HOSTED = frozenset({ExternalScheduler.GITHUB, ExternalScheduler.GITLAB, ExternalScheduler.KUBERNETES})
"""They run each start in a new container: the record and the warehouse must be elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The environment variables that a project reads, by name."""

    required: tuple[str, ...] = ()
    with_default: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted((*self.required, *self.with_default)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A folder that outlasts the container of a job."""

    folder: PurePosixPath
    claim: str | None = None
    """The PersistentVolumeClaim of Kubernetes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallFacts:
    """What the files depend on."""

    project_root: Path
    """The folder of elt.yml."""
    folder_in_repository: str
    """The same, relative to the root of the repository."""
    python: str
    """The interpreter that has elt."""
    python_version: str
    """Its version, such as 3.12."""
    schedules: tuple[ScheduleSettings, ...]
    named: bool
    """Whether the user named the schedules; else all of them are started."""
    all_names: tuple[str, ...]
    """The names of all schedules of elt.yml."""
    variables: Variables
    packages: Packages
    """What a job of a hosted scheduler installs."""
    has_dbt_packages: bool
    """Whether `dbt deps` has something to install."""
    image: str | None
    """The container image for Kubernetes."""
    volume: Volume | None
    year: int
    user: str | None
    """The user that a systemd service of the machine runs as; None for a service of the user."""

    @property
    def names(self) -> tuple[str, ...]:
        """The schedules as words of the command line; none for all."""
        return tuple(one.name for one in self.schedules) if self.named else ()

    @property
    def local_command(self) -> list[str]:
        """The command that cron and systemd call; with -P, no file of the project can replace a module of elt."""
        return [self.python, "-P", "-m", "orchestrator", "schedule", "run", "--due", *self.names]

    @property
    def marks(self) -> str:
        """The first lines of a file for a hosted scheduler: what wrote it, and for which folder of the repository."""
        return f"{WRITTEN}\n{PROJECT}{self.folder_in_repository}\n"

    def label(self, schedule: str) -> str:
        """Return a name for what starts a schedule, unique in the repository, of letters, digits and `-`."""
        name = _short(slug_of(schedule), schedule)
        if any(slug_of(other) == slug_of(schedule) for other in self.all_names if other != schedule):
            name = f"{name[: _LONGEST - 7]}-{_digest(schedule)}"
        if self.folder_in_repository == ".":
            return name
        return _short(f"{slug_of(self.folder_in_repository)}-{name}", f"{self.folder_in_repository}/{schedule}")


PROJECT = "# Project: "


def is_of_project(text: str, folder_in_repository: str) -> bool:
    """Return whether `elt schedule install` wrote a file, for the project in this folder of the repository."""
    lines = text.splitlines()
    if lines[:1] != [WRITTEN]:
        return False
    return lines[1:2] == [PROJECT + folder_in_repository] or not any(line.startswith(PROJECT) for line in lines[1:2])


def unit_name(project_root: Path) -> str:
    """Return a name for systemd units that belong to the project in a folder."""
    return f"elt-{slug_of(project_root.name)}-{_digest(str(project_root))}"


def slug_of(name: str) -> str:
    """Return a name in lower-case letters, digits and `-`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def _short(slug: str, name: str) -> str:
    return slug if len(slug) <= _LONGEST else f"{slug[: _LONGEST - 7]}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:6]


_IN_ELT_YML = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-)?")
_IN_DBT = re.compile(r"env_var\(\s*(?P<quote>['\"])(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)\s*(?P<default>,)?")


def variables_in(texts: Iterable[str], more: Iterable[str] = ()) -> Variables:
    """Return what elt.yml (`${NAME}`) and dbt's files (`env_var('NAME')`) read, and `more` names that are required."""
    defaults: dict[str, bool] = dict.fromkeys(more, False)
    for text in texts:
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "--")))
        for found in (*_IN_ELT_YML.finditer(code), *_IN_DBT.finditer(code)):
            defaults[found["name"]] = defaults.get(found["name"], True) and found["default"] is not None
    return Variables(
        required=tuple(sorted(name for name, has_default in defaults.items() if not has_default)),
        with_default=tuple(sorted(name for name, has_default in defaults.items() if has_default)),
    )
