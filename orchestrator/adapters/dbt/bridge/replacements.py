"""Replaces functions of dbt and its neighbours in this process: slow ones, and one that writes a shared file in place.

Each replacement is made once and falls back to the original. The probe has checked that the originals exist.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from orchestrator.adapters.dbt.manifest_file import replaced

_PLAIN = frozenset({str, int, float, bool, type(None)})


def replace_functions() -> None:
    """Apply all replacements in this process; those of an earlier session stay."""
    _name_callers_quickly()
    _take_plain_defaults_as_they_are()
    _find_secrets_quickly()
    _save_parses_whole()


def _take_plain_defaults_as_they_are() -> None:
    """Let dbt's schemas of a project's YAML contain plain defaults without compiling a class for each.

    For each of some 500 fields mashumaro compiles a class with its packers, only to write a default unchanged. That
    takes a quarter of the time of a start with a full parse. The schema is the same.
    """
    from mashumaro.jsonschema import schema

    def make(compiled: Callable[..., Any]) -> Callable[..., Any]:
        def default(kind: object, value: object, *more: object) -> Any:  # noqa: ANN401  # mashumaro's own
            return value if type(value) in _PLAIN else compiled(kind, value, *more)

        return default

    _replace(schema, "_default", make)


def _name_callers_quickly() -> None:
    """Let dbt find the module that declares a behavior flag from the frame alone.

    For each flag of the adapter, dbt_common.behavior_flags reads the source text of every frame of the stack, which
    takes 2 % of the processor time of a start. The name is the same.
    """
    from dbt_common import behavior_flags

    # The first frame outside of these two modules belongs to the module that declares the flag.
    own = {behavior_flags.__name__, __name__}

    def default_source() -> str:
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # what inspect.stack() begins with
        while frame is not None and frame.f_globals.get("__name__") in own:
            frame = frame.f_back
        return "Unknown" if frame is None else str(frame.f_globals.get("__name__", "Unknown"))

    _replace(behavior_flags.BehaviorFlagRendered, "_default_source", lambda _: staticmethod(default_source))


def _find_secrets_quickly() -> None:
    """Let dbt look for secrets in the environment by their names alone.

    For each line of its log dbt decodes every variable, to hide the values of those named DBT_ENV_SECRET…. That takes 2
    % of the processor time of a run of small models, and more in a large environment.
    """
    from dbt_common.constants import SECRET_ENV_PREFIX
    from dbt_common.events import functions

    prefix = os.fsencode(SECRET_ENV_PREFIX)

    def make(find: Callable[[], list[str]]) -> Callable[[], list[str]]:
        return lambda: find() if prefix in b" ".join(os.environb) else []

    _replace(functions, "env_secrets", make)


def _save_parses_whole() -> None:
    """Make dbt save partial_parse.msgpack under a temporary name and rename it, instead of overwriting it in place.

    dbt has no parameter for the path, only the constant with the file's name, so the constant changes during the save.
    """
    from dbt.parser import manifest as parser

    def make(save: Callable[[Any], None]) -> Callable[[Any], None]:
        def save_whole(self: Any) -> None:  # noqa: ANN401  # dbt's ManifestLoader
            name = parser.PARTIAL_PARSE_FILE_NAME
            path = Path(self.root_project.project_target_path).absolute() / name
            with replaced(path) as beside:
                parser.PARTIAL_PARSE_FILE_NAME = beside.name
                try:
                    save(self)
                finally:
                    parser.PARTIAL_PARSE_FILE_NAME = name

        return save_whole

    _replace(parser.ManifestLoader, "write_manifest_for_partial_parse", make)


@contextmanager
def unhashed_vars(names: Collection[str]) -> Iterator[None]:
    """Let dbt use its saved parse although these vars have other values than when it was saved.

    dbt compares a digest of all vars with the saved one. The parse itself sees every var.
    """
    from dbt.parser.manifest import ManifestLoader

    check = ManifestLoader.build_manifest_state_check

    def check_others(loader: Any) -> Any:  # noqa: ANN401  # dbt's own
        config = loader.root_project
        every = config.cli_vars
        config.cli_vars = {name: value for name, value in every.items() if name not in names}
        try:
            return check(loader)
        finally:
            config.cli_vars = every

    ManifestLoader.build_manifest_state_check = check_others
    try:
        yield
    finally:
        ManifestLoader.build_manifest_state_check = check


@contextmanager
def opened_by_dbt_with(open_database: Callable[..., Any]) -> Iterator[None]:
    """Let dbt-duckdb open its database with this function, which gets dbt's own function, credentials and plugins."""
    from dbt.adapters.duckdb.environments import Environment

    name = "initialize_db"
    original, own = getattr(Environment, name), vars(Environment)[name]

    def open_instead(_cls: Any, credentials: Any, plugins: Any = None) -> Any:  # noqa: ANN401  # dbt-duckdb's own
        return open_database(original, credentials, plugins)

    setattr(Environment, name, classmethod(open_instead))
    try:
        yield
    finally:
        setattr(Environment, name, own)


def _replace(holder: Any, name: str, make: Callable[[Any], Any]) -> None:  # noqa: ANN401  # a module or a class
    """Replace a function by what `make` returns for it, unless an earlier session has done so."""
    function = getattr(holder, name)
    # A replacement around a replacement would grow with every session of a process.
    if function.__module__ != __name__:
        setattr(holder, name, make(function))
