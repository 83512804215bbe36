"""Gives dbt the vars of one run besides those of its command line, without a full parse for each new value."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.dbt.parse_time_vars import piece_of, read_by_parse
from orchestrator.plan.scheduled_vars import LOGICAL_DATE

NO_VARS: Mapping[str, str] = MappingProxyType({})
_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".py"})
_FOLDERS = (
    "model_paths",
    "macro_paths",
    "seed_paths",
    "test_paths",
    "snapshot_paths",
    "analysis_paths",
    "function_paths",
    "osi_paths",
)


class RunVars:
    """The vars of a run that dbt's configuration has."""

    def __init__(self, config: Any, run_vars: Mapping[str, str], profiles_dir: Path) -> None:  # noqa: ANN401  # dbt's own
        """Add the vars to dbt's configuration, except those that its command line sets.

        A var `logical_date` of dbt_project.yml is the project's own and keeps its value.
        """
        own = {LOGICAL_DATE} if _defines(config.vars.to_dict(), LOGICAL_DATE) else set()
        added = {name: value for name, value in run_vars.items() if name not in own and name not in config.cli_vars}
        if added:
            config.cli_vars = {**added, **config.cli_vars}  # not changed in place: the flags have the same dictionary
        self._config = config
        self._names = frozenset(added)
        self._profiles_dir = profiles_dir
        self.unread: frozenset[str] = frozenset()
        """The added vars that no file names, not even in part; known after `beside_the_parse`."""

    @property
    def are_unread(self) -> bool:
        """Whether nothing in the parsed project can read the added vars, so that their values make no difference."""
        return self._names == self.unread

    def beside_the_parse(self, note: Callable[[str], None]) -> Collection[str]:
        """Return the added vars, unless the parse can depend on their values; `note` is then called with the reason."""
        if not self._names:
            return ()
        texts = dict(self._texts())
        every = "\n".join((*texts.values(), *os.environ.values()))  # var(env_var('NAME')) reads a var, too
        self.unread = frozenset(name for name in self._names if piece_of(name) not in every)
        where = read_by_parse(self._names, texts)
        if where is None:
            return self._names
        note(f"dbt parses the whole project in each scheduled run, because its parse may read the interval: {where}")
        return ()

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield the text of each file that dbt reads when it parses, by its path."""
        root = Path(self._config.project_root)
        yield from _read(root, self._profiles_dir / "profiles.yml")
        for project in self._config.load_dependencies().values():
            folder = Path(project.project_root)
            yield from _read(root, folder / "dbt_project.yml")
            yield from _read(root, folder / "vars.yml")
            paths = {path for kind in _FOLDERS for path in getattr(project, kind, None) or ()}
            for file in sorted({file for path in paths for file in (folder / path).rglob("*")}):
                yield from _read(root, file)


def _read(root: Path, file: Path) -> Iterator[tuple[str, str]]:
    if file.suffix in _SUFFIXES and file.is_file():
        path = file.relative_to(root) if file.is_relative_to(root) else file
        yield str(path), file.read_text("utf-8", errors="replace")


def _defines(found: Mapping[str, object], name: str) -> bool:
    """Return whether the vars of a project define one, for the project or for a package."""
    return name in found or any(isinstance(inner, Mapping) and name in inner for inner in found.values())
