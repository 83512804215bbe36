"""Returns words for shell completion, read only from files so that the shell can complete a word at once.

Nothing here imports dbt, dlt or the store's database layer, or contacts a server.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.profile_file import find_profiles, targets_in
from orchestrator.config.settings import Settings
from orchestrator.config.yaml_mapping import read_mapping
from orchestrator.errors import ManifestError
from orchestrator.nodes.selectable import selectable_words
from orchestrator.store.run_ids import recent_runs, steps_of_last_run

_STATES = (
    *("new", "old", "modified", "unmodified", "modified.body", "modified.configs", "modified.relation"),
    *("modified.persisted_descriptions", "modified.macros", "modified.contract"),
)
_FIXED = (
    *(f"state:{state}" for state in _STATES),
    *(f"result:{status}" for status in ("error", "fail", "warn", "success", "skipped", "pass")),
    *("source_status:fresher", "test_type:generic", "test_type:singular", "test_type:unit", "test_type:data"),
)


def selection_words(project_dir: Path | None, target_path: str | None = None) -> tuple[str, ...]:
    """Return the words for `--select`: names, and values of every method, from the last manifest and the files."""
    settings = load_settings(project_dir)
    try:
        known = selectable_words(target_folder(settings, target_path) / "manifest.json")
    except ManifestError:
        known = frozenset()
    return tuple(sorted({*known, *_FIXED, *_loads(settings), *_suites(settings), *_steps(settings)}))


def node_names(project_dir: Path | None, target_path: str | None = None) -> tuple[str, ...]:
    """Return the names of the nodes in the last manifest."""
    return tuple(word for word in selection_words(project_dir, target_path) if ":" not in word)


def selectors(project_dir: Path | None, target_path: str | None = None) -> tuple[str, ...]:
    """Return the names of the selectors in the last manifest."""
    words = selection_words(project_dir, target_path)
    return tuple(word.removeprefix("selector:") for word in words if word.startswith("selector:"))


def run_ids(project_dir: Path | None) -> tuple[tuple[str, str], ...]:
    """Return the ids of the newest recorded runs, newest first, each with its status."""
    settings = load_settings(project_dir)
    return recent_runs(settings.store, settings.project_root)


def step_names(project_dir: Path | None) -> tuple[str, ...]:
    """Return the names of the steps of the last recorded run."""
    settings = load_settings(project_dir)
    return steps_of_last_run(settings.store, settings.project_root)


def destination_names(project_dir: Path | None) -> tuple[str, ...]:
    """Return the destinations of notifications in elt.yml."""
    return tuple(load_settings(project_dir).notifications.destinations)


def schedule_names(project_dir: Path | None) -> tuple[str, ...]:
    """Return the schedules in elt.yml."""
    return tuple(load_settings(project_dir).schedules)


def profiles(project_dir: Path | None, profiles_dir: str | None) -> tuple[str, ...]:
    """Return the profiles of profiles.yml."""
    return tuple(name for name in _profiles(load_settings(project_dir), profiles_dir) if name != "config")


def targets(project_dir: Path | None, profiles_dir: str | None, profile: str | None) -> tuple[str, ...]:
    """Return the targets of a profile; by default that of the project."""
    settings = load_settings(project_dir)
    name = profile or read_mapping(settings.dbt_project_dir / "dbt_project.yml").get("profile")
    return targets_in(_profiles(settings, profiles_dir), str(name))


def _profiles(settings: Settings, profiles_dir: str | None) -> dict[str, object]:
    file = find_profiles(settings.dbt_project_dir, profiles_dir, os.environ)
    return read_mapping(file) if file else {}


def target_folder(settings: Settings, target_path: str | None) -> Path:
    """Return the folder into which dbt writes its manifest, as far as that is known without dbt."""
    named = target_path or os.environ.get("DBT_TARGET_PATH")
    written = named or read_mapping(settings.dbt_project_dir / "dbt_project.yml").get("target-path")
    return settings.dbt_project_dir / (written if isinstance(written, str) and "{{" not in written else "target")


def _loads(settings: Settings) -> Iterator[str]:
    """Yield the dlt sources and resources that modules define, without importing them."""
    folder = settings.ingestion_folder
    for file in sorted(folder.glob("*.py")) if folder else ():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    call = decorator.func if isinstance(decorator, ast.Call) else decorator
                    if isinstance(call, ast.Attribute) and call.attr in {"source", "resource", "transformer"}:
                        yield f"ingest:{_named(decorator) or node.name}"


def _named(decorator: ast.expr) -> str:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else ()
    names = [one.value.value for one in keywords if one.arg == "name" and isinstance(one.value, ast.Constant)]
    return str(names[0]) if names else ""


def _steps(settings: Settings) -> Iterator[str]:
    return (f"step:{name}" for name in settings.steps)


def _suites(settings: Settings) -> Iterator[str]:
    folder = settings.expectations_folder
    for file in sorted(folder.rglob("*.json")) if folder else ():
        yield f"expectation:{file.stem}"
