"""Reads the current content of the files of a dbt source."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator.adapters.sql_words import literal
from orchestrator.errors import WarehouseError

_AT_ONCE = 1 << 20  # bytes


def files_digest(ask: Callable[[str], list[tuple[Any, ...]]], names: Sequence[str], seconds: float) -> str:
    """Return the digest of the names and bytes of all files that match these names and patterns.

    DuckDB, called with `ask`, expands them, as it does when it reads them. Raises WarehouseError if a file is missing
    or cannot be read, if a table has that name, or if it takes longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    listed = ", ".join(literal(name) for name in names)
    relations = "select table_name as name from duckdb_tables() union all select view_name from duckdb_views()"
    # DuckDB would read that table, and not the file.
    taken = ask(f"select name from ({relations}) where lower(name) in ({listed.lower()})")  # noqa: S608  # literals
    if taken:
        raise WarehouseError(f"a table or view has the same name as the file {taken[0][0]}")
    whole = hashlib.sha256()
    found = sorted(ask(f"select filename from read_blob([{listed}])"))  # noqa: S608  # as above
    if not found:
        raise WarehouseError(f"no file matches {', '.join(names)}")
    for (name,) in found:
        whole.update(f"{name}\0".encode())
        whole.update(_digest(Path(name).expanduser(), deadline, seconds))
    return whole.hexdigest()


def _digest(path: Path, deadline: float, seconds: float) -> bytes:
    of_file = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while some := file.read(_AT_ONCE):
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        f"the time limit for reading tables and files ({seconds:g} s, content.time) was reached"
                    )
                of_file.update(some)
    except OSError as error:
        raise WarehouseError(f"the file {path} cannot be read: {error.strerror}") from error
    return of_file.digest()
