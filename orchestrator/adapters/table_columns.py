"""Which columns of a table that dlt loads tell of its content, and which are dlt's own."""

from collections.abc import Sequence

LOAD_ID = "_dlt_load_id"
_OF_EVERY_LOAD = frozenset({LOAD_ID, "_dlt_id"})
"""Another in each load of the same row. What ties a nested row to its parent is not left out: it says whose it is."""

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
