"""Lets dbt-duckdb create files in the storage format that elt.yml names, as the profile itself could.

The profile is not changed: dbt parses a project again when its connection has other settings than at the last parse.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.bridge.replacements import opened_by_dbt_with
from orchestrator.adapters.duckdb.storage_format import (
    ATTACH_OPTION,
    OPTION,
    require_format,
    unreadable_file,
    with_format,
)
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ConfigurationError, EltError

_NO_FILE = ("md:", "motherduck:")


def config_of(credentials: Any, storage: StorageVersion | None) -> dict[str, Any]:  # noqa: ANN401  # dbt-duckdb's
    """Return the configuration with which a target's database is opened."""
    options = dict(credentials.config_options or {})
    return options if credentials.path.startswith(_NO_FILE) else with_format(options, storage)


@contextmanager
def files_of_dbt(storage: StorageVersion | None) -> Iterator[None]:
    """Let dbt-duckdb create files in this format. What it cannot open, or may not write, is an error of dbt's kind."""
    from dbt_common.exceptions import DbtRuntimeError

    def open_database(original: Callable[..., Any], credentials: Any, plugins: Any) -> Any:  # noqa: ANN401  # dbt's own
        try:
            return _opened(original, credentials, plugins, storage)
        except EltError as error:
            # dbt shows the traceback of what is not its own.
            raise DbtRuntimeError(str(error)) from error

    with opened_by_dbt_with(open_database):
        yield


def _opened(original: Callable[..., Any], credentials: Any, plugins: Any, storage: StorageVersion | None) -> Any:  # noqa: ANN401  # dbt's own
    if storage is not None:
        require_one_format(credentials, storage)
        credentials = copy(credentials)  # not `dataclasses.replace`, which would take the secrets apart once more
        credentials.config_options = config_of(credentials, storage)
    try:
        connection = original(credentials, plugins)
    except Exception as error:
        paths = [credentials.path, *(one.path for one in credentials.attach or ())]
        if (too_new := unreadable_file(map(Path, paths), str(error))) is not None:
            raise too_new from error
        raise
    try:
        require_format(lambda statement: connection.execute(statement).fetchall(), storage)
    except EltError:
        connection.close()
        raise
    return connection


def require_one_format(credentials: Any, storage: StorageVersion) -> None:  # noqa: ANN401  # dbt-duckdb's
    """Refuse a profile that names another format than elt.yml.

    Raises:
        ConfigurationError: names both places.
    """
    for where, name, value in _formats_of(credentials):
        if str(value).strip("'\" ") != storage.release:
            raise ConfigurationError(
                f"{storage.place}: 'storage_version' is {storage.release}, but `{where}` of the target in profiles.yml"
                f" has {name}: {value}.",
                hint="Set it in one of the two files only.",
            )


def _formats_of(credentials: Any) -> Iterator[tuple[str, str, object]]:  # noqa: ANN401  # dbt-duckdb's
    """Yield where the profile names a storage format, the name of the option, and its value."""
    places: list[tuple[str, str, Mapping[str, Any] | None]] = [
        ("config_options", OPTION, credentials.config_options),
        ("settings", OPTION, credentials.settings),
    ]
    places += [("attach", ATTACH_OPTION, one.options) for one in credentials.attach or ()]
    for where, option, options in places:
        for name, value in (options or {}).items():
            if name.lower() == option:
                yield where, name, value
