"""Gathers what the files for a scheduler depend on: from the settings, the files of the project and this machine."""

import os
import pwd
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.config.installed import version_of
from orchestrator.config.loader import VARIABLES
from orchestrator.config.profile_file import PROFILE_VARIABLES
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.config.yaml_mapping import readable_mapping
from orchestrator.schedules.project_schedules import named_schedule, utc_now
from orchestrator.scheduling.install_facts import (
    HOSTED,
    ExternalScheduler,
    InstallFacts,
    Variables,
    Volume,
    variables_in,
)
from orchestrator.scheduling.project_packages import Packages, packages_of
from orchestrator.scheduling.warehouse_place import WarehousePlace, warehouse_place

_READ = frozenset({".sql", ".yml", ".yaml", ".py"})
"""The files in which `env_var` may be called."""
_NOT_READ = frozenset({"target", "dbt_packages", "logs", "node_modules", "venv"})
_PACKAGE_FILES = ("packages.yml", "dependencies.yml")


def gather_facts(
    settings: Settings, scheduler: ExternalScheduler, names: tuple[str, ...], image: str | None, volume: Volume | None
) -> InstallFacts:
    """Return what the files for a scheduler depend on.

    Raises:
        UnknownScheduleError: elt.yml has no schedule of one of the names.
    """
    chosen = tuple(named_schedule(settings, name) for name in names) or tuple(settings.schedules.values())
    repository = repository_of(settings.project_root)
    return InstallFacts(
        project_root=settings.project_root,
        folder_in_repository=str(settings.project_root.relative_to(repository)),
        python=sys.executable,
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        schedules=chosen,
        named=bool(names),
        all_names=tuple(settings.schedules),
        variables=_variables(settings, scheduler, chosen),
        packages=_packages(settings, chosen, repository) if scheduler in HOSTED else Packages(),
        has_dbt_packages=any(
            readable_mapping(text_of(settings.dbt_project_dir / name)).get("packages") for name in _PACKAGE_FILES
        ),
        image=image,
        volume=volume,
        year=utc_now().year,
        user=owner_of(settings.project_root) if os.geteuid() == 0 else None,
    )


def repository_of(folder: Path) -> Path:
    """Return the root of the git repository of a folder; the folder itself without one."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def owner_of(folder: Path) -> str:
    """Return the user to whom a folder belongs."""
    number = folder.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def profiles_file(settings: Settings, schedule: ScheduleSettings) -> Path | None:
    """Return the profiles.yml that the runs of a schedule read here; None if there is none."""
    given, of_shell = schedule.options.get("profiles_dir"), os.environ.get("DBT_PROFILES_DIR")
    folders = [settings.project_root / str(given)] if given else [settings.project_root, settings.dbt_project_dir]
    if not given:
        folders += [settings.project_root / of_shell] if of_shell else []
        folders.append(Path.home() / ".dbt")
    return next((file for folder in folders if (file := folder / "profiles.yml").is_file()), None)


def is_found_elsewhere(settings: Settings, schedule: ScheduleSettings, file: Path) -> bool:
    """Return whether the runs of a schedule find this profiles.yml also in another checkout of the repository."""
    is_named = "profiles_dir" in schedule.options or file.parent in {settings.project_root, settings.dbt_project_dir}
    return is_named and file.resolve().is_relative_to(repository_of(settings.project_root))


def place_of(settings: Settings, schedule: ScheduleSettings) -> WarehousePlace | None:
    """Return where the runs of a schedule keep their tables; None if that cannot be read without dbt."""
    file = profiles_file(settings, schedule)
    if file is None:
        return None
    return warehouse_place(
        text_of(file), text_of(settings.dbt_project_dir / "dbt_project.yml"), schedule.options, os.environ
    )


def _variables(settings: Settings, scheduler: ExternalScheduler, schedules: tuple[ScheduleSettings, ...]) -> Variables:
    files = {settings.elt_yml, *(profiles_file(settings, one) for one in schedules)}
    texts = [text_of(file) for file in files if file is not None]
    of_project = [text_of(file) for file in files_of_dbt(settings.dbt_project_dir, _READ) if file not in files]
    more = [name for name in VARIABLES if os.environ.get(name)]
    if scheduler in HOSTED:
        more += _dlt_secrets(settings.project_root / ".dlt/secrets.toml")
        more += [name for one in schedules if (place := place_of(settings, one)) for name in place.variables]
    else:
        more += [name for name in PROFILE_VARIABLES if os.environ.get(name)]
    return variables_in((*texts, *of_project), more)


def files_of_dbt(folder: Path, endings: Collection[str]) -> Iterator[Path]:
    """Yield the files of a dbt project with one of these endings, without those of packages and of dbt's output."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in _NOT_READ and not one.startswith("."))
        yield from (Path(place, file) for file in sorted(files) if Path(file).suffix in endings)


def _dlt_secrets(file: Path) -> list[str]:
    """Return the environment variables that replace the file of dlt's secrets, which git ignores."""
    with suppress(OSError, ValueError):
        return sorted(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    return []


def _flat(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[str]:
    for name, value in values.items():
        path = (*above, name.upper())
        if isinstance(value, dict):
            yield from _flat(value, path)
        else:
            yield "__".join(path)


def _packages(settings: Settings, schedules: tuple[ScheduleSettings, ...], repository: Path) -> Packages:
    folders = dict.fromkeys((settings.project_root, settings.dbt_project_dir, repository))
    files = [folder / name for folder in folders for name in ("requirements.txt", "pyproject.toml")]
    texts = {str(file.relative_to(repository)): text_of(file) for file in files if file.is_file()}
    places = [place for one in schedules if (place := place_of(settings, one)) is not None]
    adapters = sorted({place.adapter for place in places})
    extras = {
        "ingest": settings.ingestion_folder is not None,
        "gx": settings.expectations_folder is not None,
        "postgres": "postgres" in adapters or settings.store.startswith("postgres"),
        "notify": bool(settings.notifications.destinations),
    }
    chosen = ",".join(name for name, is_needed in extras.items() if is_needed)
    elt = f"elt-orchestrator{f'[{chosen}]' if chosen else ''}=={__version__}"
    others = [f"dbt-{adapter}" for adapter in adapters if adapter not in {"duckdb", "postgres"}]
    versions = {name: version_of(name) for name in others}
    return packages_of(texts, elt, tuple(f"{name}=={found}" if found else name for name, found in versions.items()))


def text_of(file: Path) -> str:
    """Return the text of a file; empty if it cannot be read."""
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")
    return ""
