"""Lists the files that match a glob, on this machine or in an object storage."""

import glob
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import MissingExtraError, UsageError
from orchestrator.installing import install_hint
from orchestrator.scheduling.triggers import FoundFile

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_VERSION = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created", "size")
"""What storages say of a version of a file."""


def list_files(pattern: str, folder: Path) -> dict[str, FoundFile]:
    """Return the files that match a glob by their names; a relative one is in the folder.

    Raises:
        MissingExtraError: the package for the storage is not installed.
        UsageError: the storage cannot be read.
    """
    scheme = _SCHEME.match(pattern)
    if scheme is not None and scheme[1] != "file":
        return _remote(pattern, scheme[1])
    place = Path(pattern.removeprefix("file://")).expanduser()
    # The folder is no pattern, whatever its name.
    pattern = str(place) if place.is_absolute() else str(Path(glob.escape(str(folder))) / place)
    paths = [Path(path) for path in glob.glob(pattern, recursive=True)]  # noqa: PTH207  # Path.glob takes no absolute pattern
    found = {}
    for path in paths:
        with suppress(FileNotFoundError):  # removed meanwhile
            if path.is_file():
                found[_readable(path)] = _local(path)
    return found


def _readable(path: Path) -> str:
    """Return a path as text that can be recorded, also if its bytes are no text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _local(path: Path) -> FoundFile:
    state = path.stat()
    modified_at = datetime.fromtimestamp(state.st_mtime, UTC)
    return FoundFile(version=f"{state.st_mtime_ns}-{state.st_size}", modified_at=modified_at)


def _remote(pattern: str, scheme: str) -> dict[str, FoundFile]:
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(pattern, use_listings_cache=False)
    except ImportError as error:
        raise MissingExtraError(
            f"Files of {scheme}:// cannot be listed: {error}", hint=install_hint(f"fsspec[{scheme}]")
        ) from error
    except ValueError as error:
        raise UsageError(
            f"Files of {scheme}:// cannot be listed: {error}",
            hint="Correct `on.files` of the schedule in elt.yml: a path, or a URL that fsspec knows, such as s3://",
        ) from error
    try:
        listed: dict[str, dict[str, Any]] = system.glob(path, detail=True)
    except Exception as error:
        raise UsageError(
            f"The files {pattern} cannot be listed: {type(error).__name__}: {error}",
            hint="Check that the storage answers, and the credentials in the environment.",
        ) from error
    return {
        f"{scheme}://{name.removeprefix(f'{scheme}://')}": FoundFile(version=_version(facts))
        for name, facts in listed.items()
        if facts.get("type") != "directory"
    }


def _version(facts: dict[str, Any]) -> str:
    return " ".join(str(facts[name]) for name in _VERSION if facts.get(name) is not None)
