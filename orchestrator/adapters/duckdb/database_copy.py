"""Writes a copy of a DuckDB file for readers: complete, consistent, and replaced in one step.

The process that owns the database writes all changes into its file (CHECKPOINT). A child process copies the file to a
temporary name. That copy is opened once to check that it is a database, and then it replaces the earlier copy.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psutil

from orchestrator.adapters.duckdb import file_copy
from orchestrator.errors import WarehouseError

_MAGIC = (8, b"DUCK")
_WRITABLE = 0o222
"""Mode bits that no copy of ours has. A database that something else writes to has some of them."""
_RELATIONS = """
select schema_name, table_name from duckdb_tables() where database_name = current_database() and not internal
union all
select schema_name, view_name from duckdb_views() where database_name = current_database() and not internal
order by all
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCopy:
    """A copy with the current state of the database."""

    path: Path
    size: int
    """In bytes."""
    is_new: bool
    """Whether it was written now; otherwise the existing copy was up to date."""


def why_not_copied(database: Path, copy: Path, attached: Iterable[Path] = ()) -> str:
    """Return why a copy of a database cannot be put at a path; empty if it can.

    Never opens the database, nor one that is attached to it: that would drop the lock of the process that owns it (see
    `file_copy`).
    """
    folder = copy.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    if copy.is_dir():
        return f"{copy} is a folder"
    if _are_one(copy, database) or _are_one(copy, _log_of(database)):
        return f"{copy} is the database itself"
    if any(_are_one(copy, other) for other in attached):
        return f"{copy} is a database that the target attaches"
    if reason := _why_not_replaced(copy):
        return reason
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} cannot be written"
    return ""


def _why_not_replaced(file: Path) -> str:
    """Return why a file is neither absent nor a copy that an earlier run left; empty if it is."""
    if _log_of(file).exists():
        return f"{_log_of(file)} exists: another process writes to the copy, or did so and was cut off"
    if not file.exists():
        return ""
    if not _is_a_database(file):
        return f"{file} exists and is no DuckDB database; it would be replaced"
    if file.stat().st_mode & _WRITABLE:
        return f"{file} exists and can be written, so it is no earlier copy but a database of its own"
    return ""


def copy_database(database: Path, copy: Path, ask: Callable[[str], list[tuple[Any, ...]]]) -> DatabaseCopy:
    """Put a copy of a database at a path and replace an earlier one; nothing else may write to it meanwhile.

    `ask` runs SQL in the process that owns the database, which is this one. Raises WarehouseError; the earlier copy is
    unchanged then.
    """
    ask("checkpoint")
    if reason := why_not_copied(database, copy) or _why_not_whole(database):
        raise WarehouseError(reason)
    _remove_leftovers(copy)
    # A copy keeps the modification time of the database, so equal size and time mean the same state.
    now = database.stat()
    if copy.exists() and (copy.stat().st_size, copy.stat().st_mtime_ns) == (now.st_size, now.st_mtime_ns):
        return DatabaseCopy(path=copy, size=now.st_size, is_new=False)
    beside = copy.with_name(f"{_leftover_prefix(copy)}{os.getpid()}")
    try:
        _copy_in_a_child(database, beside)
        # Checked before it is renamed: readers never find a copy that cannot be opened.
        _require_same(beside, ask(_RELATIONS))
        beside.replace(copy)
        _flush_folder(copy.parent)
        return DatabaseCopy(path=copy, size=now.st_size, is_new=True)
    except OSError as error:
        raise WarehouseError(error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _copy_in_a_child(database: Path, beside: Path) -> None:
    # -I and -S: the process starts in a few milliseconds and ignores the user's environment
    command = [sys.executable, "-I", "-S", file_copy.__file__, str(database), str(beside)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise WarehouseError(words[-1] if words else f"the process that copies it exited with code {done.returncode}")


def _require_same(copied: Path, relations: list[tuple[Any, ...]]) -> None:
    try:
        with duckdb.connect(str(copied), read_only=True) as opened:
            found = opened.execute(_RELATIONS).fetchall()
    except duckdb.Error as error:
        raise WarehouseError(f"the copy cannot be opened: {str(error).splitlines()[0]}") from error
    if found != relations:
        raise WarehouseError("the copy does not have the same tables as the database")


def _why_not_whole(database: Path) -> str:
    """Return why the file does not contain everything that was committed; empty if it does."""
    log = _log_of(database)
    is_left = log.exists() and log.stat().st_size > 0
    return f"changes are left in {log}: something else still writes to the database" if is_left else ""


def _remove_leftovers(copy: Path) -> None:
    """Remove the temporary files of interrupted copies, but not those of other running processes."""
    prefix = _leftover_prefix(copy)
    for file in copy.parent.iterdir():
        process = file.name.removeprefix(prefix)
        # Our own pid here is that of an earlier process: this one has not begun its copy yet.
        is_ours = file.name.startswith(prefix) and process.isdecimal()
        if is_ours and (int(process) == os.getpid() or not psutil.pid_exists(int(process))):
            with suppress(OSError):
                file.unlink()


def _leftover_prefix(copy: Path) -> str:
    return f".{copy.name}.elt-copy."


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _are_one(one: Path, other: Path) -> bool:
    if one.resolve() == other.resolve():
        return True
    return one.exists() and other.exists() and one.samefile(other)


def _is_a_database(file: Path) -> bool:
    offset, magic = _MAGIC
    try:
        with file.open("rb") as opened:
            return opened.read(offset + len(magic))[offset:] == magic
    except OSError:
        return False


def _flush_folder(folder: Path) -> None:
    """Flush the renamed entry to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
