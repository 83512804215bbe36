"""Decides whether files or a table start a schedule, from what there is now and what has been seen before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

AT_REST = timedelta(seconds=10)
"""A local file that was written more recently may still be incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that matches the glob of a schedule."""

    version: str
    """Changes when the file is replaced."""
    modified_at: datetime | None = None
    """None where files appear only when they are complete, as in an object storage."""


def new_versions(
    found: Mapping[str, FoundFile], seen: Mapping[str, str] | None, now: datetime
) -> tuple[Mapping[str, str], bool]:
    """Return the versions to record, and whether they start a run.

    `seen` are the versions recorded before; None at the first look, which records what there is and starts nothing.
    """
    ready = {
        name: file.version
        for name, file in found.items()
        if file.modified_at is None or now - file.modified_at >= AT_REST
    }
    if seen is None:
        # Also the files that are being written: they are there before the schedule begins.
        return {name: file.version for name, file in found.items()}, False
    fresh = {name: version for name, version in ready.items() if seen.get(name) != version}
    return fresh, bool(fresh)
