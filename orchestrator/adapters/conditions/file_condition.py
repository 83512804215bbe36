"""Answers whether a file exists: on this machine, or in an object storage through fsspec."""

import glob
import re
from pathlib import Path
from typing import Any

from orchestrator.conditions.answer import Answer, impossible, not_yet, true, unknown
from orchestrator.conditions.condition import FileCondition
from orchestrator.installing import install_hint, missing_module
from orchestrator.wording import count

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")


def ask_file(condition: FileCondition, folder: Path) -> Answer:
    """Return whether a path or glob matches a file; relative paths start at the folder."""
    place = condition.place
    found = _SCHEME.match(place)
    if found is None or found["scheme"] == "file":
        return _local(folder / Path(place.removeprefix("file://")).expanduser())
    return _remote(place, found["scheme"])


def _local(path: Path) -> Answer:
    # A file whose name has such characters is there, whatever they mean as a pattern.
    if path.exists():
        return true("it is there")
    if not glob.has_magic(str(path)):
        return not_yet("there is no such file")
    return _matching(glob.glob(str(path), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern


def _remote(place: str, scheme: str) -> Answer:
    try:
        from fsspec import get_filesystem_class
        from fsspec.core import url_to_fs
    except ImportError:
        return impossible(f"files of {scheme}:// need the package fsspec", install_hint("fsspec"))
    try:
        get_filesystem_class(scheme)
    except ValueError:
        return impossible(
            f"the scheme {scheme}:// is unknown", "Write a path, or a URL that fsspec knows, such as s3:// or gs://."
        )
    except ImportError as error:
        package = _package_of(scheme, error)
        return impossible(f"the package {package} is missing, which reads {scheme}://", install_hint(package))
    # Each backend raises errors of its own, also for a server that does not answer.
    try:
        system, path = url_to_fs(place, use_listings_cache=False)
        return _look(system, path)
    except Exception as error:  # noqa: BLE001  # as above
        return unknown(f"it cannot be read: {_first_line(error)}")


def _look(system: Any, path: str) -> Answer:  # noqa: ANN401  # fsspec has no types
    if system.exists(path):
        return true("it is there")
    if not glob.has_magic(path):
        return not_yet("there is no such file")
    return _matching([str(one) for one in system.glob(path)])


def _matching(found: list[str]) -> Answer:
    if not found:
        return not_yet("no file matches")
    return true(f"{count(len(found), 'file')} {'matches' if len(found) == 1 else 'match'}, first {min(found)}")


def _package_of(scheme: str, error: ImportError) -> str:
    from fsspec.registry import known_implementations

    backend = str(known_implementations.get(scheme, {}).get("class", "")).partition(".")[0]
    if backend not in {"", "fsspec"}:
        return backend
    return missing_module(str(error.__cause__ or error.__context__ or error)) or "fsspec[full]"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
