"""Finds Python files near a project that import dlt and that elt does not load, without importing them."""

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.config.settings import Settings

_IMPORTS_DLT = re.compile(rb"^[ \t]*(?:from[ \t]+dlt\b|import[ \t]+(?:[^#\n]*,[ \t]*)?dlt\b)", re.MULTILINE)
_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist", "target", "logs"}
    | {"dbt_packages", "dbt_modules", "models", "macros", "seeds", "snapshots", "analyses", "tests"}
)
"""Folders with third-party code, or without code that loads."""
_OTHERS = ("pyvenv.cfg", "dbt_project.yml")
"""A folder with one of these files is an environment, or another project."""
_MOST_FOLDERS, _MOST_FILES, _MOST_BYTES, _DEEPEST = 300, 300, 100_000, 4
"""The limits of the search."""


def unused_code_note(settings: Settings, unfed: Sequence[str], *, loads_something: bool) -> str | None:
    """Return a note on a file near the project that imports dlt and is not loaded, and how to load it.

    `unfed` are the names of the dbt sources without a load. `loads_something` is whether the ingestion folder defines
    any load.
    """
    top = _top(settings)
    files = list(_dlt_files(settings, top, loads_something=loads_something)) if unfed else []
    if not files:
        return None
    rest, others = len(unfed) - 1, len(files) - 1
    sources = f"dbt source {unfed[0]}" + (f" and {rest:,} other{'s' if rest > 1 else ''}" if rest else "")
    also = f" (and {others:,} more file{'s do' if others > 1 else ' does'})" if others else ""
    elt_yml = settings.elt_yml or _new_elt_yml(settings, files[0])
    folder = os.path.relpath(files[0].parent, elt_yml.parent)
    here = os.path.relpath(settings.ingestion_folder, top) if settings.ingestion_folder else "ingestion"
    move = f"move it into {here}/, or " if settings.ingestion_folder else ""
    return (
        f"no load feeds {sources}, and {os.path.relpath(files[0], top)} imports dlt{also}; elt loads only what is in "
        f"{here}/: {move}write under `ingestion:` in {os.path.relpath(elt_yml, top)}: folder: {folder}"
    )


def _top(settings: Settings) -> Path:
    """Return the uppermost folder that belongs to the project: the root of its repository, if that is near."""
    project = settings.dbt_project_dir
    if (project / ".git").exists():
        return project
    above = project.parent
    return above if above == settings.project_root or (above / ".git").exists() else project


def _new_elt_yml(settings: Settings, file: Path) -> Path:
    """Return the path for an elt.yml that can name the folder of a file."""
    project = settings.dbt_project_dir
    return (project if file.is_relative_to(project) else project.parent) / "elt.yml"


def _dlt_files(settings: Settings, top: Path, *, loads_something: bool) -> Iterator[Path]:
    """Yield the files that import dlt, those nearest to the top first, within the limits of the search."""
    known = settings.ingestion_folder.resolve() if settings.ingestion_folder else None
    waiting = deque([(top.resolve(), 0)])
    folders = files = 0
    while waiting and folders < _MOST_FOLDERS:
        folder, depth = waiting.popleft()
        folders += 1
        if folder == known and loads_something:
            continue
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                inner = Path(entry.path)
                if depth < _DEEPEST and _is_searched(inner, settings.dbt_project_dir):
                    waiting.append((inner, depth + 1))
            elif entry.name.endswith(".py") and folder != known and files < _MOST_FILES:
                files += 1
                if _imports_dlt(Path(entry.path)):
                    yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_searched(folder: Path, dbt_project_dir: Path) -> bool:
    if folder.name.startswith(".") or folder.name in _SKIPPED:
        return False
    return folder == dbt_project_dir.resolve() or not any((folder / name).exists() for name in _OTHERS)


def _imports_dlt(file: Path) -> bool:
    try:
        with file.open("rb") as text:
            return _IMPORTS_DLT.search(text.read(_MOST_BYTES)) is not None
    except OSError:
        return False
