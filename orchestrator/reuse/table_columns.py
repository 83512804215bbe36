"""Decides which columns of a table are dlt's own, and computes the digest of its columns."""

from collections.abc import Iterable, Sequence

from orchestrator.reuse.fingerprints.digest import digest_of

_OF_DLT = "_dlt_"

Columns = Sequence[tuple[str, str]]
"""Names and types, in the order of the table."""


def columns_digest(columns: Iterable[tuple[str, str]]) -> str:
    """Return the digest of the names and types of columns, in order."""
    return digest_of([list(column) for column in columns])


def without_dlt(columns: Columns) -> list[tuple[str, str]]:
    """Return the columns except dlt's own."""
    return [column for column in columns if not column[0].lower().startswith(_OF_DLT)]
