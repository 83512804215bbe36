"""Knows the storage formats of DuckDB files: which release can read a file, and which format a new file is given.

A file has the format that it was created with; opening it with another `storage_compatibility_version` changes nothing.
A release names its format: `v1.5.0` stands for what DuckDB 1.5 and later read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestrator.adapters.sql_words import literal
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ConfigurationError, NewerDatabaseError, StorageVersionError

OPTION = "storage_compatibility_version"
"""The option of `duckdb.connect` that sets the format of new files, attached ones included."""
ATTACH_OPTION = "storage_version"
"""The option of ATTACH that sets it for one file."""
LATEST = "latest"

_UNREADABLE = "Trying to read a database file with version number"
_UNKNOWN = re.compile(r"version string '[^']*' is not a known DuckDB version, valid options are: (?P<known>[^\n]+)")
_RELEASE = re.compile(r"v\d+\.\d+\.\d+")
_OLDEST = (1, 0, 0)
"""DuckDB 0.10 and 1.0 write the same format, which DuckDB calls v1.0.0."""
_LIBRARY = slice(52, 84)
"""Where the header of a file has the release that created it."""
_FILES = """
select path, tags['storage_version'] from duckdb_databases()
where not internal and not readonly and type = 'duckdb' and path is not null
"""


def with_format(config: Mapping[str, Any], storage: StorageVersion | None) -> dict[str, Any]:
    """Return the configuration of a connection that creates files in a storage format."""
    if storage is None or any(name.lower() == OPTION for name in config):
        return dict(config)
    return {**config, OPTION: storage.release}


def require_known(storage: StorageVersion | None) -> None:
    """Refuse a format that the installed DuckDB cannot write.

    Raises:
        ConfigurationError: names the line of elt.yml, and the newest format that DuckDB knows.
    """
    if storage is None:
        return
    try:
        duckdb.connect(":memory:", config={OPTION: storage.release}).close()
    except duckdb.Error as error:
        found = _UNKNOWN.search(str(error))
        known = _RELEASE.findall(found["known"]) if found else []
        newest = f"the newest that it knows is {known[-1]}" if known else str(error)
        raise ConfigurationError(
            f"{storage.place}: 'storage_version': DuckDB {duckdb.__version__} does not know the storage format of"
            f" {storage.release}; {newest}.",
            hint="Name a release of DuckDB that is not newer than the installed one: the oldest that reads the file.",
        ) from error


def require_format(ask: Callable[[str], list[tuple[Any, ...]]], storage: StorageVersion | None) -> None:
    """Refuse an open file that is in a newer format: it keeps that format, whatever it is opened with.

    Raises:
        StorageVersionError: names the file, both formats, and how to convert the file.
    """
    if storage is None or storage.release == LATEST:
        return
    for path, tag in ask(_FILES):
        found = str(tag).removesuffix("+")
        if _numbers(found) > max(_numbers(storage.release), _OLDEST):
            raise StorageVersionError(
                f"The database {path} has the storage format of DuckDB {found}, and {storage.place} has"
                f" `storage_version: {storage.release}`. A file keeps its format, so DuckDB {storage.release} could not"
                " read it.",
                hint="Copy it into a new file, and put that in its place, or remove `storage_version`. In DuckDB"
                f" {found.removeprefix('v')}:\n{conversion(path, storage.release)}",
            )


def unreadable_file(paths: Iterable[Path], message: str) -> NewerDatabaseError | None:
    """Return the error for the first of these files that is too new for the installed DuckDB.

    None if DuckDB's message is about something else.
    """
    if _UNREADABLE not in message:
        return None
    installed = _numbers(f"v{duckdb.__version__}")
    files = list(paths)
    newer = [path for path in files if _numbers(f"v{_writer_of(path)}") > installed]
    path = (newer or files)[0]
    writer = _writer_of(path) or "2.0.0"
    release = f"v{installed[0]}.{installed[1]}.0"
    return NewerDatabaseError(
        f"DuckDB {duckdb.__version__} is installed and cannot read the database {path}: DuckDB {writer} created it in a"
        " newer storage format.",
        hint=f"Install DuckDB {writer} or later. Or copy the database into a new file with that release:\n"
        f"{conversion(str(path), release)}\n"
        f"With `storage_version: {release}` in elt.yml, elt creates files that both releases read.",
    )


def conversion(path: str, release: str) -> str:
    """Return the SQL that copies a database into a file with the format of a release.

    The checkpoint moves what a killed process left in the write-ahead log into the database: DuckDB would refuse the
    copy beside the log of the original.
    """
    return (
        f"ATTACH {literal(path)} AS old; CHECKPOINT old; ATTACH 'new.duckdb' AS new (STORAGE_VERSION '{release}');"
        " COPY FROM DATABASE old TO new;"
    )


def _writer_of(path: Path) -> str | None:
    """Return the release that created a file; None if the file cannot be read, or does not say."""
    try:
        with path.open("rb") as file:
            return file.read(_LIBRARY.stop)[_LIBRARY].rstrip(b"\0").decode("ascii").removeprefix("v") or None
    except (OSError, UnicodeDecodeError):
        return None


def _numbers(release: str) -> tuple[int, ...]:
    found = _RELEASE.match(release)  # a development build has more after the numbers
    return tuple(map(int, found[0].removeprefix("v").split("."))) if found else ()
