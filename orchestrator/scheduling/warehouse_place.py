"""Finds out from profiles.yml, without dbt, whether the warehouse of a schedule outlasts the container of a job."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from orchestrator.config.yaml_mapping import readable_mapping

_SERVER = re.compile(r"(md|motherduck|postgres|postgresql|mysql):", re.IGNORECASE)
_MOTHERDUCK = re.compile(r"(md|motherduck):", re.IGNORECASE)
_TOKENS = ("MOTHERDUCK_TOKEN",)
_ON_SERVER = frozenset({"postgres", "postgresql", "mysql", "motherduck"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehousePlace:
    """Where a target keeps its tables."""

    target: str
    adapter: str
    file: str | None = None
    """The database file as profiles.yml names it; None if there is none, or it is not known."""
    unknown: str = ""
    """Why it is not known where the tables are; empty if it is."""
    variables: tuple[str, ...] = ()
    """Environment variables that the target reads, although profiles.yml does not name them."""
    from_environment: bool = False
    """Whether an environment variable is part of the path."""

    def is_kept_in(self, folder: PurePosixPath | None) -> bool:
        """Return whether the tables outlast a container in which only this folder does."""
        if self.file is None:
            return True
        file = PurePosixPath(self.file)
        return folder is not None and file.is_relative_to(folder) and ".." not in file.parts


class _UnknownValueError(Exception):
    """A value depends on what is not known here."""


def warehouse_place(
    profiles: str, dbt_project: str, options: Mapping[str, object], environ: Mapping[str, str]
) -> WarehousePlace | None:
    """Return where the target that these options choose keeps its tables; None if profiles.yml does not say."""

    def read(value: object) -> str:
        return _rendered(value, environ)

    try:
        profile = str(options.get("profile") or read(readable_mapping(dbt_project).get("profile")))
        chosen = readable_mapping(profiles).get(profile)
        if not isinstance(chosen, dict):
            return None
        target = str(options.get("target") or read(chosen.get("target") or "default"))
        output = (chosen.get("outputs") or {}).get(target)
        if not isinstance(output, dict):
            return None
        adapter = read(output.get("type"))
    except (_UnknownValueError, AttributeError):
        return None
    if adapter != "duckdb":
        return WarehousePlace(target=target, adapter=adapter)
    try:
        path = _path_of_database(output, read)
        return WarehousePlace(
            target=target,
            adapter=adapter,
            file=_file_of(path),
            variables=_TOKENS if _MOTHERDUCK.match(path) and _TOKENS[0].lower() not in str(output).lower() else (),
            from_environment=any("env_var" in str(output.get(key)) for key in ("path", "database", "attach")),
        )
    except _UnknownValueError as error:
        return WarehousePlace(target=target, adapter=adapter, unknown=str(error))


def _path_of_database(output: Mapping[str, Any], read: Callable[[object], str]) -> str:
    """Return the path of the database that a DuckDB target builds in: its own, or an attached one."""
    path = read(output.get("path") or ":memory:")
    database = read(output.get("database") or "")
    for one in output.get("attach") or ():
        if not database or not isinstance(one, dict):
            continue
        attached = read(one.get("path") or "")
        if database == (read(one.get("alias") or "") or PurePosixPath(attached).stem):
            kind = read(one.get("type") or "")
            return f"{kind}:{attached}" if kind.lower() in _ON_SERVER else attached
    return path


def _file_of(path: str) -> str | None:
    """Return the file of a path of DuckDB; None for a server, an object storage, or a database in memory."""
    path = re.sub(r"^(ducklake:)?((sqlite|duckdb):)?", "", path, flags=re.IGNORECASE)
    if path.startswith(":memory:") or "://" in path or _SERVER.match(path):
        return None
    return path


def _rendered(value: object, environ: Mapping[str, str]) -> str:
    """Return a value of profiles.yml with its environment variables filled in.

    Raises:
        _UnknownValueError: it needs a variable that is not set here, or what only dbt knows.
    """
    if not isinstance(value, str) or "{" not in value:
        return "" if value is None else str(value)

    def env_var(name: str, default: str | None = None) -> str:
        if name in environ:
            return environ[name]
        if default is None:
            raise _UnknownValueError(f"the environment variable {name} is not set here")
        return str(default)

    try:
        return SandboxedEnvironment(undefined=StrictUndefined).from_string(value).render(env_var=env_var)
    except (TemplateError, TypeError) as error:
        raise _UnknownValueError(f"{value} is not understood") from error
