"""Which columns of a table tell of its content, and which are dlt's own."""

from collections.abc import Iterable, Sequence

from orchestrator.reuse.fingerprints.digest import digest_of

LOAD_ID = "_dlt_load_id"
_OF_EVERY_LOAD = frozenset({LOAD_ID, "_dlt_id"})
"""Another in each load of the same row. What ties a nested row to its parent is not left out: it says whose it is."""
_OF_DLT = "_dlt_"

SMALL = 1_000_000
"""So many rows are read whole, however they are loaded: then also a value that was changed by hand is seen."""

Columns = Sequence[tuple[str, str]]
"""Names and types, in the order of the table."""


def is_told_by_loads(columns: Columns, *, grows: bool) -> bool:
    """Say whether the ids of the loads tell what is in the table."""
    return grows and any(name == LOAD_ID for name, _ in columns)


def content_columns(columns: Columns) -> list[str]:
    """Name the columns that hold what was loaded."""
    return [name for name, _ in columns if name not in _OF_EVERY_LOAD]


def columns_told(columns: Columns) -> str:
    """Name all columns with their types: to a reader of all of them another column is other data."""
    return ", ".join(f"{name} {kind}" for name, kind in columns)


def columns_digest(columns: Iterable[tuple[str, str]]) -> str:
    """Return the digest of the names and types of columns, in order."""
    return digest_of([list(column) for column in columns])


def without_dlt(columns: Columns) -> list[tuple[str, str]]:
    """Return the columns except dlt's own."""
    return [column for column in columns if not column[0].lower().startswith(_OF_DLT)]
