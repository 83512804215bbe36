"""Recognizes a full disk in the errors of Python, SQLite, DuckDB, PostgreSQL and dlt, and reports it."""

import errno
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.errors import FullDiskError

_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SAYS = r"(?:No space left on device|database or disk is full|Disk quota exceeded|File too large)"
_WORDS = re.compile(_SAYS)
_OF_SERVER = re.compile(r"could not (?:extend|write(?: to)?) file")
"""PostgreSQL's message about one of its own files, which it names by a relative path."""
_FILE = re.compile(rf"""["'](?P<before>/[^"']+)["']: {_SAYS}|{_SAYS}: ["'](?P<behind>/[^"']+)["']""")
REMEDY = "Make room"


def says_disk_is_full(message: str) -> bool:
    """Return whether an error's message says that a disk is full."""
    return _WORDS.search(message) is not None


def is_full_disk(error: BaseException) -> bool:
    """Return whether an error, or an error that caused it, says that a disk is full."""
    return any(
        (isinstance(one, OSError) and one.errno in _NUMBERS) or says_disk_is_full(str(one)) for one in _chain(error)
    )


def full_disk_sentence(message: str, folders: Iterable[Path] = ()) -> str:
    """Return a sentence that names the full disk: that of the file in the message, else that of the fullest folder."""
    named = _FILE.search(message)
    if named is None and _OF_SERVER.search(message):
        return "The disk of the database server is full."
    place = _fullest(folders) if named is None else named["before"] or named["behind"]
    return holds_is_full(place) if place else "A disk is full."


def holds_is_full(place: str | Path) -> str:
    """Return a sentence that the disk of a file or folder is full."""
    return f"The disk that holds {place} is full."


def full_disk_error(error: BaseException, folders: Iterable[Path]) -> FullDiskError:
    """Return an error that names the disk, for an error that says that a disk is full."""
    names = (str(one.filename) for one in _chain(error) if isinstance(one, OSError) and one.filename)
    named = next((name for name in names if name.startswith("/")), None)
    sentence = full_disk_sentence(str(error), folders) if named is None else holds_is_full(named)
    return FullDiskError(sentence, hint=f"{REMEDY}, then run the command again.")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _fullest(folders: Iterable[Path]) -> str:
    free: dict[str, int] = {}
    for folder in folders:
        there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
        if there is not None:
            free[str(there)] = shutil.disk_usage(there).free
    return min(free, key=free.__getitem__, default="")
