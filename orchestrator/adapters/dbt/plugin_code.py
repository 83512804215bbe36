"""Hashes the code of the plugins named in a dbt-duckdb profile: the code is read, never imported."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.bridge.access import builtin_plugins
from orchestrator.adapters.dbt.session import DbtSession

_MOST_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCode:
    """The digest of the code of a profile's plugins, and the plugins whose code was not found."""

    digest: str | None = None
    """None if the profile names no plugins of the user's own."""
    not_found: tuple[str, ...] = ()


def plugin_code(session: DbtSession) -> PluginCode:
    """Read the code of the plugins that are not part of dbt-duckdb, and the local modules that they import."""
    credentials: Any = session.config.credentials
    if credentials.type != "duckdb" or not credentials.plugins:
        return PluginCode()
    own = sorted({plugin.module for plugin in credentials.plugins} - builtin_plugins())
    return code_of(own, [Path(path).resolve() for path in (*(credentials.module_paths or ()), session.project_dir)])


def code_of(modules: Sequence[str], folders: Sequence[Path]) -> PluginCode:
    """Hash the modules, and what they import from these folders; other modules belong to the installation."""
    found = _PluginFiles([str(folder) for folder in folders])
    missing = tuple(module for module in modules if not found.add(module.partition(".")[0], is_named=True))
    if not modules:
        return PluginCode()
    return PluginCode(digest=found.digest(), not_found=(*missing, *found.unread))


@dataclass(slots=True)
class _PluginFiles:
    """The source files of modules, each read once."""

    folders: list[str]
    files: dict[Path, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Return one digest of all files, independent of where the folders are."""
        return hashlib.sha256("\n".join(sorted(self.files.values())).encode()).hexdigest()

    def add(self, module: str, *, is_named: bool = False) -> bool:
        """Read a module and the local modules that it imports; return whether its source was found."""
        if module in self.seen:
            return True
        self.seen.add(module)
        files = self._files(module, is_named=is_named)
        for file in files:
            try:
                code = file.read_bytes()
                imported = list(_imported(code))
            except (OSError, SyntaxError, ValueError):
                self.unread.append(module)
                continue
            self.files[file] = f"{module} {file.name} {hashlib.sha256(code).hexdigest()}"
            for name in imported:
                self.add(name)
        return bool(files)

    def _files(self, module: str, *, is_named: bool) -> list[Path]:
        """Return the source files of a module; if it is only imported, only those in the folders."""
        # The folders first; a module that is found only elsewhere belongs to the installation.
        spec = PathFinder.find_spec(module, self.folders)
        if spec is None and is_named:
            try:
                spec = find_spec(module)
            except (ImportError, ValueError):
                return []
        if spec is None:
            return []
        if spec.submodule_search_locations:
            files = [file for place in spec.submodule_search_locations for file in sorted(Path(place).rglob("*.py"))]
            return files if len(files) <= _MOST_FILES else []
        return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []


def _imported(code: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import():
                yield from (one.name.partition(".")[0] for one in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
