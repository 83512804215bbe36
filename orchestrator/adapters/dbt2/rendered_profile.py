"""Reads the active target from profiles.yml as dbt does, without dbt: which database a run works in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestrator.config.profile_file import find_profiles, targets_in
from orchestrator.config.yaml_mapping import read_mapping
from orchestrator.errors import ProfileError, ProjectError
from orchestrator.nodes.target import Target
from orchestrator.wording import did_you_mean, similar

_DATABASE_KEYS = ("database", "dbname", "catalog", "project")


def read_target(
    project_dir: Path, options: Mapping[str, str], run_vars: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[Target, dict[str, Any]]:
    """Return the target of a command with these options of dbt, and the connection, which contains secrets.

    Raises:
        ProfileError: profiles.yml is missing or wrong, or has no such profile or target.
        ProjectError: dbt_project.yml cannot be read.
    """
    file = find_profiles(project_dir, options.get("profiles_dir"), environ)
    if file is None:
        raise ProfileError(
            f"There is no profiles.yml for the project {project_dir}.",
            hint="Write one beside dbt_project.yml, or name its folder with --profiles-dir.",
        )
    render = _Renderer(file, run_vars, environ)
    project = _read(project_dir / "dbt_project.yml", ProjectError)
    profiles = _read(file, ProfileError)
    name = options.get("profile") or environ.get("DBT_PROFILE") or render(project.get("profile"))
    profile = profiles.get(str(name))
    if not isinstance(profile, dict):
        known = tuple(one for one in profiles if one != "config")
        raise ProfileError(
            f"{file} has no profile {name}; it has {', '.join(known) or 'none'}.",
            hint=_hint(str(name), known, "Choose a profile with --profile, or as `profile:` in dbt_project.yml."),
        )
    target = str(options.get("target") or environ.get("DBT_TARGET") or render(profile.get("target") or "default"))
    targets = targets_in(profiles, str(name))
    if target not in targets:
        raise ProfileError(
            f"The profile {name} in {file} has no target {target}; it has {', '.join(targets) or 'none'}.",
            hint=_hint(target, targets, f"Choose a target with --target, or as `target:` of the profile in {file}."),
        )
    connection = render.mapping(profile["outputs"][target])
    return _target(target, str(name), targets, connection, options, project_dir), connection


def _target(
    name: str,
    profile: str,
    siblings: tuple[str, ...],
    connection: Mapping[str, Any],
    options: Mapping[str, str],
    project_dir: Path,
) -> Target:
    adapter = str(connection.get("type") or "")
    path = str(connection.get("path") or ":memory:") if adapter == "duckdb" else None
    host, port = connection.get("host") or connection.get("account"), connection.get("port")
    database = next((str(connection[key]) for key in _DATABASE_KEYS if connection.get(key)), "")
    return Target(
        name=name,
        adapter=adapter,
        threads=_threads(options.get("threads") or connection.get("threads")),
        database=database or (Path(path).stem if path else ""),
        profile=profile,
        siblings=siblings,
        server=f"{host}:{port}" if host and port else (str(host) if host else None),
        path=None if path is None else _absolute(path, project_dir),
        is_for_dbt_alone=True,
    )


def _threads(value: object) -> int:
    text = str(value or "").strip()
    return max(1, int(text)) if text.isdecimal() else 1


def _absolute(path: str, project_dir: Path) -> str:
    if path == ":memory:" or "://" in path or path.startswith(("md:", "motherduck:")):
        return path
    return str((project_dir / path).resolve())  # dbt runs in the folder of the project


def _read(file: Path, error_class: type[ProjectError]) -> dict[str, object]:
    try:
        return read_mapping(file)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise error_class(f"{file} cannot be read: {told}.", hint=f"Correct {file} and run again.") from error


def _hint(name: str, known: tuple[str, ...], otherwise: str) -> str:
    return " ".join(filter(None, [did_you_mean(similar(name, known)), otherwise]))


class _Renderer:
    """Renders the Jinja of profiles.yml: `env_var()`, `var()`, and dbt's filters for types."""

    def __init__(self, file: Path, run_vars: Mapping[str, object], environ: Mapping[str, str]) -> None:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        self._file = file
        self._environ = environ
        self._vars = run_vars
        self._jinja = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        self._jinja.globals.update(env_var=self._env_var, var=self._var)
        self._jinja.filters.update({f"as_{kind}": _as_it_is for kind in ("text", "bool", "number", "native")})

    def __call__(self, value: object) -> object:
        """Return a value with its Jinja evaluated; anything but text stays as it is."""
        if not isinstance(value, str) or "{" not in value:
            return value
        try:
            return self._jinja.from_string(value).render()
        except ProfileError:
            raise
        except Exception as error:
            # Never with the text itself, which may be a secret.
            raise ProfileError(
                f"{self._file}: a value cannot be rendered: {type(error).__name__}: {error}.",
                hint="Correct the Jinja of the profile.",
            ) from error

    def mapping(self, value: object) -> dict[str, Any]:
        """Return a mapping with all of its values rendered."""
        found = self._deep(value)
        return found if isinstance(found, dict) else {}

    def _deep(self, value: object) -> Any:  # noqa: ANN401  # of any type
        if isinstance(value, dict):
            return {str(key): self._deep(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._deep(inner) for inner in value]
        return self(value)

    def _env_var(self, name: str, default: str | None = None) -> str:
        found = self._environ.get(name, default)
        if found is None:
            raise ProfileError(
                f"{self._file} needs the environment variable {name}, which is not set.",
                hint=f"Set {name}, or give it a default: env_var('{name}', '…').",
            )
        return found

    def _var(self, name: str, default: object = None) -> object:
        if name not in self._vars and default is None:
            raise ProfileError(f"{self._file} needs the var {name}.", hint=f"Give it with --vars '{{{name}: …}}'.")
        return self._vars.get(name, default)


def _as_it_is(value: object) -> object:
    return value
