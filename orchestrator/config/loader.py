"""Loads the settings: finds the project, reads elt.yml and the environment, and reports all mistakes at once."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from orchestrator.config.discovery import Found, find_project
from orchestrator.config.document import KEYS, Entry
from orchestrator.config.mistakes import Mistakes, near
from orchestrator.config.repeats import LIMITS, REPEATS, limits_from, repeats_from
from orchestrator.config.settings import (
    EVERY_MODULE,
    CircuitBreaker,
    ContentLimits,
    OnBusy,
    OnNoData,
    OnOpen,
    OnRunStart,
    Settings,
)

Value = TypeVar("Value")

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

_PYTHON = "ingestion.python"
_SCHEMAS = "ingestion.schemas."
_COPIES = "publish_copy."


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


def _from_environment(environ: Mapping[str, str], mistakes: Mistakes) -> dict[str, Entry]:
    """Return the entries from elt's environment variables that are not empty."""
    entries = {}
    for name, key in VARIABLES.items():
        if not environ.get(name):
            continue
        value: object = int(environ[name]) if environ[name].isdecimal() else environ[name]
        try:
            entries[key] = Entry(value=KEYS[key](value), line=0)
        except ValueError as error:
            mistakes.in_variable(name, str(error))
    return entries


def _settings(found: Found, entries: Mapping[str, Entry], mistakes: Mistakes) -> Settings:
    """Return the settings from the entries, with folders and defaults for what is not set."""
    schemas = {
        key.removeprefix(_SCHEMAS): str(entry.value) for key, entry in entries.items() if key.startswith(_SCHEMAS)
    }
    ingestion = _folder(found, entries, "ingestion", mistakes)
    return Settings(
        project_root=_root(found),
        dbt_project_dir=found.dbt_project_dir,
        elt_yml=found.elt_yml,
        ingestion_folder=ingestion,
        ingestion_threads=_value(entries, "ingestion.threads", int, 2),
        ingestion_pythons=MappingProxyType(_pythons(found, entries, ingestion, mistakes)),
        ingestion_schemas=MappingProxyType(schemas),
        expectations_folder=_folder(found, entries, "expectations", mistakes),
        on_run_start=_value(entries, "on_run_start", OnRunStart, OnRunStart.BESIDE_INGEST),
        on_no_data=_value(entries, "on_no_data", OnNoData, OnNoData.CONTINUE),
        repeats=MappingProxyType(repeats_from(_below(entries, REPEATS))),
        time_limits=MappingProxyType(limits_from(_below(entries, LIMITS))),
        lock_timeout=_value(entries, "lock_timeout", timedelta, timedelta(seconds=60)),
        circuit_breaker=CircuitBreaker(
            after=_value(entries, "circuit_breaker.after", int, 0),
            try_again_after=_value(entries, "circuit_breaker.try_again_after", timedelta, timedelta(hours=1)),
            below=_value(entries, "circuit_breaker.below", OnOpen, OnOpen.USE_WHAT_STANDS),
        ),
        on_busy=_value(entries, "on_busy", OnBusy, OnBusy.WAIT),
        protected_targets=_value(entries, "protected_targets", tuple, ()),
        state_in_target=_value(entries, "state_in_target", bool, default=True),
        content=ContentLimits(
            rows=_value(entries, "content.rows", int, ContentLimits().rows),
            time=_value(entries, "content.time", timedelta, ContentLimits().time),
        ),
        verify_reuse=_value(entries, "verify_reuse", float, 0.0),
        publish_copy=MappingProxyType(_copies(found, entries, mistakes)),
        store=_value(entries, "store", str, ".elt/history.db"),
        keep_runs=_value(entries, "keep_runs", int, 2_000),
    )


def _below(entries: Mapping[str, Entry], prefix: str) -> dict[str, tuple[object, int]]:
    return {key: (entry.value, entry.line) for key, entry in entries.items() if key.startswith(prefix)}


def _copies(found: Found, entries: Mapping[str, Entry], mistakes: Mistakes) -> dict[str, Path]:
    """Return the paths for the copies of databases, by target; two targets cannot share a copy."""
    copies: dict[str, Path] = {}
    for key, entry in entries.items():
        if not key.startswith(_COPIES) or found.elt_yml is None:
            continue
        copy = Path(os.path.normpath(found.elt_yml.parent / str(entry.value)))
        other = next((target for target, path in copies.items() if path == copy), None)
        if other is not None:
            mistakes.in_file(found.elt_yml, entry.line, f"'{key}' is the path of 'publish_copy.{other}' too")
        copies[key.removeprefix(_COPIES)] = copy
    return copies


def _pythons(found: Found, entries: Mapping[str, Entry], ingestion: Path | None, mistakes: Mistakes) -> dict[str, Path]:
    """Return the interpreters of the ingestion modules by the name of a module, `*` for all others."""
    pythons: dict[str, Path] = {}
    for key, entry in entries.items():
        if found.elt_yml is None or not (key == _PYTHON or key.startswith(f"{_PYTHON}.")):
            continue
        # Not resolved: the Python of a virtual environment is a link to another, which has other packages.
        python = Path(os.path.normpath(found.elt_yml.parent / str(entry.value)))
        module = key.removeprefix(_PYTHON).removeprefix(".") or EVERY_MODULE
        pythons[module] = python
        if (problem := _python_problem(python)) is not None:
            mistakes.in_file(found.elt_yml, entry.line, f"'{key}': {problem}")
        modules = tuple(sorted(file.stem for file in ingestion.glob("*.py"))) if ingestion is not None else (module,)
        if module not in (EVERY_MODULE, *modules):
            mistakes.in_file(
                found.elt_yml, entry.line, f"'{key}': no module of that name is in {ingestion}; {near(module, modules)}"
            )
    return pythons


def _python_problem(python: Path) -> str | None:
    """Return why a path cannot be an interpreter; None if it can."""
    if python.is_dir():
        return f"{python} is a folder; name the interpreter in it, such as {python / 'bin' / 'python'}"
    if not python.exists():
        return f"the interpreter {python} does not exist"
    return None if os.access(python, os.X_OK) else f"the interpreter {python} cannot be executed"


def _value(entries: Mapping[str, Entry], key: str, kind: type[Value], default: Value) -> Value:
    """Return the value of a key, of the type that its reader promises."""
    if key not in entries:
        return default
    value = entries[key].value
    if not isinstance(value, kind):
        raise TypeError(f"the reader of {key} gave {type(value).__name__}")
    return value


def _root(found: Found) -> Path:
    """Return the folder that paths of modules and suites are relative to, wherever the command runs."""
    if found.elt_yml is not None:
        return found.elt_yml.parent
    project = found.dbt_project_dir
    folders = [_look(project, name) for name in ("ingestion", "expectations")]
    above = any(folder is not None and folder.parent == project.parent for folder in folders)
    return project.parent if above else project


def _folder(found: Found, entries: Mapping[str, Entry], name: str, mistakes: Mistakes) -> Path | None:
    """Return the folder that elt.yml names, else the folder of that name near the dbt project, if there is one."""
    entry = entries.get(f"{name}.folder")
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
