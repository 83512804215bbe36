"""Explains what is wrong with the profile of a project, and which lines of profiles.yml correct it."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from orchestrator.config.yaml_mapping import read_mapping
from orchestrator.errors import ProfileError

_PROFILES = "profiles.yml"
_NO_FOLDER = re.compile(r"Path '([^']*)' does not exist")
_NO_PROFILE = re.compile(
    r"Could not find profile named '(?P<profile>[^']*)'"
    r"|Profile (?P<empty>\S+) in profiles\.yml is empty|The profiles\.yml file at .* is empty"
)
_NO_TARGET = re.compile(r"The profile '(?P<profile>[^']*)' does not have a target named '(?P<target>[^']*)'")


def missing_file(folder: Path, project_dir: Path, args: Sequence[str]) -> ProfileError:
    """Return the error for a missing profiles.yml; `folder` is the last one that dbt searched.

    `args` is the command line, which may name a profile other than the project's.
    """
    looked = dict.fromkeys((str(project_dir), str(folder)))
    return _no_profile(
        f"There is no profiles.yml in {' or '.join(looked)}.",
        _given(args, "--profile") or _of_project(project_dir),
        f"A profiles.yml beside dbt_project.yml is enough. Write {project_dir / _PROFILES}",
    )


def missing_folder(text: str, project_dir: Path, args: Sequence[str]) -> ProfileError | None:
    """Return the same error if dbt's message says that a profiles folder does not exist; None otherwise."""
    found = _NO_FOLDER.search(text)
    return missing_file(Path(found[1]), project_dir, args) if found else None


def missing_profile(text: str, project_dir: Path, profiles_dir: Path, args: Sequence[str]) -> ProfileError | None:
    """Return the error for dbt's message about a missing profile or target; None for another message."""
    file = profiles_dir / _PROFILES
    if not file.is_file():
        return missing_file(profiles_dir, project_dir, args)
    if found := _NO_TARGET.search(text):
        targets = _names(_read(file), found["profile"], "outputs")
        return ProfileError(
            f"The profile {found['profile']} in {file} has no target {found['target']}; it has {_listed(targets)}.",
            hint=f"Choose a target with --target, or as `target:` of the profile in {file};"
            " for a schedule, as `target` in its options.",
        )
    profiles = _listed([name for name in _names(_read(file)) if name != "config"])
    if "no profile was specified" in text:
        return ProfileError(
            f"{project_dir / 'dbt_project.yml'} names no profile.",
            hint=f"Add the line `profile: NAME`, or give --profile NAME. {file} has {profiles}.",
        )
    if found := _NO_PROFILE.search(text):
        profile = found["profile"] or found["empty"] or _of_project(project_dir)
        return _no_profile(f"{file} has no profile {profile}; it has {profiles}.", profile, f"Add it to {file}")
    return None


def targets_of(profiles_dir: Path, profile: str) -> tuple[str, ...]:
    """Return the names of the targets of a profile, as its file lists them."""
    return tuple(_names(_read(profiles_dir / _PROFILES), profile, "outputs"))


def _no_profile(message: str, profile: str, where: str) -> ProfileError:
    name = profile or "NAME"
    lines = (f"{name}:", "  target: dev", f"  outputs: {{dev: {{type: duckdb, path: {name}.duckdb}}}}")
    shown = "\n".join(f"    {line}" for line in lines)
    return ProfileError(
        message,
        hint=f"{where}; for DuckDB three lines are enough:\n{shown}\n"
        "Otherwise name the folder of a profiles.yml with --profiles-dir, or a profile with --profile.",
    )


def _given(args: Sequence[str], name: str) -> str:
    """Return the value of a command line option, or an empty string."""
    for at, word in enumerate(args):
        option, has_value, value = word.partition("=")
        if option == name:
            return value if has_value else next(iter(args[at + 1 :]), "")
    return ""


def _of_project(project_dir: Path) -> str:
    """Return the profile that dbt_project.yml names, if it is not a Jinja expression."""
    name = _read(project_dir / "dbt_project.yml").get("profile")
    return name if isinstance(name, str) and "{{" not in name else ""


def _names(document: dict[str, object], *path: str) -> list[str]:
    """Return the keys of the mapping at a path of keys."""
    found: object = document
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return [str(key) for key in found] if isinstance(found, dict) else []


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _read(file: Path) -> dict[str, object]:
    try:
        return read_mapping(file)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
