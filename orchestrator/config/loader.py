"""Loads the settings: finds the project, reads elt.yml and the environment, and reports all mistakes at once."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from orchestrator.config.document import KEYS
from orchestrator.config.maintenance_settings import mistakes_of_maintenance
from orchestrator.config.mistakes import Mistakes, meant
from orchestrator.config.node_wishes import OnNoData
from orchestrator.config.notification_settings import mistakes_of_notifications
from orchestrator.config.project_files import ProjectFiles, find_project
from orchestrator.config.repeat_settings import LimitWish, repeats_from
from orchestrator.config.schedule_settings import mistakes_of_schedules
from orchestrator.config.sections import Entries, Entry, KeyPath, SectionMistake, below, given
from orchestrator.config.settings import EVERY_MODULE, NoDataWish, Settings, StorageVersion
from orchestrator.config.step_settings import mistakes_of_steps

EVERY_LOAD = "*"
"""The name of all loads, or dbt sources, that are not named."""
VARIABLES: Mapping[str, str] = {
    "ELT_CONTENT_ROWS": "content.rows",
    "ELT_CONTENT_TIME": "content.time",
    "ELT_INGESTION_THREADS": "ingestion.threads",
    "ELT_KEEP_RUNS": "keep_runs",
    "ELT_LOCK_TIMEOUT": "lock_timeout",
    "ELT_ON_BUSY": "on_busy",
    "ELT_ON_NO_DATA": "on_no_data",
    "ELT_ON_RUN_START": "on_run_start",
    "ELT_STATE_IN_TARGET": "state_in_target",
    "ELT_STORE": "store",
    "ELT_VERIFY_REUSE": "verify_reuse",
}
"""The environment variables that override elt.yml, and the key that each of them sets."""


def load_settings(
    project_dir: Path | None = None, *, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of the project in a folder, or of the project that contains the working directory.

    Raises:
        ProjectError: There is no dbt project, or more than one to choose from.
        ConfigurationError: elt.yml or the environment is wrong; the message lists every mistake.
    """
    environ = os.environ if environ is None else environ
    named = project_dir or (Path(environ["DBT_PROJECT_DIR"]) if environ.get("DBT_PROJECT_DIR") else None)
    mistakes = Mistakes()
    found = find_project(named, cwd=cwd or Path.cwd(), environ=environ, mistakes=mistakes)
    entries = {**found.entries, **_from_environment(environ, mistakes)}
    settings = _settings(found, entries, mistakes)
    mistakes.raise_if_any()
    return settings


def find_root(project_dir: Path | None = None) -> Path:
    """Return the folder of elt.yml of a project, whatever mistakes that file has.

    Raises:
        ProjectError: There is no dbt project, or more than one to choose from.
    """
    environ = os.environ
    named = project_dir or (Path(environ["DBT_PROJECT_DIR"]) if environ.get("DBT_PROJECT_DIR") else None)
    return _root(find_project(named, cwd=Path.cwd(), environ=environ, mistakes=Mistakes()))


def _from_environment(environ: Mapping[str, str], mistakes: Mistakes) -> dict[KeyPath, Entry]:
    """Return the entries from elt's environment variables that are not empty."""
    entries = {}
    for name, key in VARIABLES.items():
        if not environ.get(name):
            continue
        value: object = int(environ[name]) if environ[name].isdecimal() else environ[name]
        try:
            entries[tuple(key.split("."))] = Entry(value=KEYS[key](value), line=0)
        except ValueError as error:
            mistakes.in_variable(name, str(error))
    return entries


def _settings(found: ProjectFiles, entries: Entries, mistakes: Mistakes) -> Settings:
    """Return the settings from the entries; what is not set has the default of its field."""
    limits = below(entries, "time_limits")
    ingestion = _folder(found, entries, "ingestion", mistakes)
    special = {
        "dbt_project_dir": found.dbt_project_dir,
        "ingestion_folder": ingestion,
        "ingestion_pythons": MappingProxyType(_pythons(found, entries, ingestion, mistakes)),
        "expectations_folder": _folder(found, entries, "expectations", mistakes),
        "repeats": MappingProxyType(repeats_from(below(entries, "repeats"))),
        "time_limits": MappingProxyType({name: LimitWish(limit=span, line=line) for (name,), span, line in limits}),
        "refresh_every": MappingProxyType(
            {
                "".join(name) or EVERY_LOAD: LimitWish(limit=span, line=line)
                for name, span, line in below(entries, "ingestion", "refresh_every")
            }
        ),
        **_no_data(entries),
        "publish_copy": MappingProxyType(_copies(found, entries, mistakes)),
        "storage_version": _storage_version(found, entries),
    }
    wrong: list[SectionMistake] = []
    values = given(Settings, entries, wrong)
    wrong += mistakes_of_schedules(values["schedules"])
    wrong += mistakes_of_maintenance(values["maintenance"], values["schedules"])
    wrong += mistakes_of_notifications(values["notifications"], values["schedules"])
    wrong += mistakes_of_steps(values["steps"], entries)
    if found.elt_yml is not None:
        for one in (each for each in wrong if not _is_follow_up(each, mistakes)):
            mistakes.in_file(found.elt_yml, one.line, one.text)
    return Settings(project_root=_root(found), elt_yml=found.elt_yml, **(values | special))


def _is_follow_up(mistake: SectionMistake, mistakes: Mistakes) -> bool:
    """Return whether a key that is missed was written, and its value is the mistake."""
    return any(key[: len(missed)] == missed for missed in mistake.missed for key in mistakes.keys)


def _no_data(entries: Entries) -> dict[str, object]:
    """Return what happens without new rows: in general, and by name; `*` is for all that is not named."""
    found = {
        "".join(name) or EVERY_LOAD: NoDataWish(then=then, line=line)
        for name, then, line in below(entries, "on_no_data")
    }
    usual = found.pop(EVERY_LOAD, NoDataWish(then=OnNoData.CONTINUE))
    return {"on_no_data": usual.then, "on_no_data_of": MappingProxyType(found)}


def _storage_version(found: ProjectFiles, entries: Entries) -> StorageVersion | None:
    """Return the storage format of new DuckDB files, and where it is set."""
    entry = entries.get(("storage_version",))
    if entry is None:
        return None
    return StorageVersion(release=str(entry.value), place=f"{found.elt_yml}:{entry.line}")


def _copies(found: ProjectFiles, entries: Entries, mistakes: Mistakes) -> dict[str, Path]:
    """Return the paths for the copies of databases, by target; two targets cannot share a copy."""
    copies: dict[str, Path] = {}
    if found.elt_yml is None:
        return copies
    for (target,), path, line in below(entries, "publish_copy"):
        copy = Path(os.path.normpath(found.elt_yml.parent / path))
        other = next((target for target, path in copies.items() if path == copy), None)
        if other is not None:
            mistakes.in_file(found.elt_yml, line, f"'publish_copy.{target}' is the path of 'publish_copy.{other}' too")
        copies[target] = copy
    return copies


def _pythons(found: ProjectFiles, entries: Entries, ingestion: Path | None, mistakes: Mistakes) -> dict[str, Path]:
    """Return the interpreters of the ingestion modules by the name of a module, `*` for all others."""
    pythons: dict[str, Path] = {}
    if found.elt_yml is None:
        return pythons
    for name, path, line in below(entries, "ingestion", "python"):
        # Not resolved: the Python of a virtual environment is a link to another, which has other packages.
        python = Path(os.path.normpath(found.elt_yml.parent / path))
        key, module = ".".join(("ingestion.python", *name)), "".join(name) or EVERY_MODULE
        pythons[module] = python
        if (problem := _python_problem(python)) is not None:
            mistakes.in_file(found.elt_yml, line, f"'{key}': {problem}")
        modules = tuple(sorted(file.stem for file in ingestion.glob("*.py"))) if ingestion is not None else (module,)
        if module not in (EVERY_MODULE, *modules):
            told = f"'{key}': no module of that name is in {ingestion}{meant(module, modules)}"
            mistakes.in_file(found.elt_yml, line, told)
    return pythons


def _python_problem(python: Path) -> str | None:
    """Return why a path cannot be an interpreter; None if it can."""
    if python.is_dir():
        return f"{python} is a folder; name the interpreter in it, such as {python / 'bin' / 'python'}"
    if not python.exists():
        return f"the interpreter {python} does not exist"
    return None if os.access(python, os.X_OK) else f"the interpreter {python} cannot be executed"


def _root(found: ProjectFiles) -> Path:
    """Return the folder that paths of modules and suites are relative to, wherever the command runs."""
    if found.elt_yml is not None:
        return found.elt_yml.parent
    project = found.dbt_project_dir
    folders = [_look(project, name) for name in ("ingestion", "expectations")]
    above = any(folder is not None and folder.parent == project.parent for folder in folders)
    return project.parent if above else project


def _folder(found: ProjectFiles, entries: Entries, name: str, mistakes: Mistakes) -> Path | None:
    """Return the folder that elt.yml names, else the folder of that name near the dbt project, if there is one."""
    entry = entries.get((name, "folder"))
    if entry is None or found.elt_yml is None:
        return _look(found.dbt_project_dir, name)
    folder = (found.elt_yml.parent / str(entry.value)).resolve()
    if not folder.is_dir():
        mistakes.in_file(found.elt_yml, entry.line, f"'{name}.folder': the folder {folder} does not exist")
    return folder


def _look(project: Path, name: str) -> Path | None:
    """Return the folder of that name beside dbt_project.yml, else one level above; None if neither exists."""
    for place in (project / name, project.parent / name):
        if place.is_dir():
            return place
    return None
