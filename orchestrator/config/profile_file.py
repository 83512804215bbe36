"""Reads from profiles.yml which profiles and targets there are, without dbt."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from orchestrator.config.yaml_mapping import read_mapping
from orchestrator.wording import did_you_mean, similar

PROFILE_VARIABLES = ("DBT_PROFILES_DIR", "DBT_PROFILE", "DBT_TARGET")
"""The environment variables that choose the file, the profile and the target."""
TARGET_OPTIONS = ("profiles_dir", "profile", "target")
"""The options of a schedule that do."""


def find_profiles(dbt_project_dir: Path, profiles_dir: str | None, environ: Mapping[str, str]) -> Path | None:
    """Return the profiles.yml of a project, where dbt finds it; None if there is none."""
    named = profiles_dir or environ.get("DBT_PROFILES_DIR")
    folders = [Path(named)] if named else [Path.cwd(), dbt_project_dir, Path.home() / ".dbt"]
    return next((folder / "profiles.yml" for folder in folders if (folder / "profiles.yml").is_file()), None)


def targets_in(profiles: Mapping[str, object], profile: str) -> tuple[str, ...]:
    """Return the targets of a profile."""
    found = profiles.get(profile)
    outputs = found.get("outputs") if isinstance(found, dict) else None
    return tuple(map(str, outputs)) if isinstance(outputs, dict) else ()


def target_problem(dbt_project_dir: Path, options: Mapping[str, object], environ: Mapping[str, str]) -> str | None:
    """Return why the target of a run with these options does not exist; None if it does, or if only dbt can tell.

    Without a profiles.yml, nothing is known: the environment of the run may name another folder than ours.
    """
    named = options.get("profiles_dir")
    file = find_profiles(dbt_project_dir, None if named is None else str(named), environ)
    if file is None:
        return None
    documents = []
    for one in (file, dbt_project_dir / "dbt_project.yml"):
        try:
            documents.append(read_mapping(one))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            return f"{one} cannot be read: {' '.join(str(error).split())}"
    profiles, project = documents
    profile = options.get("profile") or environ.get("DBT_PROFILE") or project.get("profile")
    if not isinstance(profile, str) or "{{" in profile:
        return None
    if profile not in profiles:
        return f"{file} has no profile {profile}{_meant(profile, tuple(one for one in profiles if one != 'config'))}"
    targets = targets_in(profiles, profile)
    target = str(options.get("target") or environ.get("DBT_TARGET") or _usual_target(profiles[profile]))
    if target in targets or not targets or "{{" in target:
        return None
    return f"the profile {profile} in {file} has no target {target}{_meant(target, targets)}"


def _usual_target(profile: object) -> object:
    return (profile.get("target") if isinstance(profile, dict) else None) or "default"


def _meant(word: str, known: tuple[str, ...]) -> str:
    suggestion = did_you_mean(similar(word, known))
    return f"; it has {', '.join(known) or 'none'}" + (f". {suggestion}" if suggestion else "")
