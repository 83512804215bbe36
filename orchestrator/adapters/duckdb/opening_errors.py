"""Says in a sentence why a DuckDB file cannot be opened."""

from pathlib import Path

from orchestrator.adapters.duckdb.lock import Holder
from orchestrator.adapters.duckdb.storage_format import unreadable_file
from orchestrator.errors import WarehouseError, WarehouseLockedError


def locked(path: Path, holder: Holder, waited: float) -> WarehouseLockedError:
    """Return the error of a file that another process has locked."""
    return WarehouseLockedError(
        f"The database {path} is locked by {holder}; waited {waited:g} s for it.",
        hint="Wait longer with --lock-timeout DURATION, or close the database in that process.",
        pid=holder.pid,
        command=holder.command,
    )


def cannot_open(path: Path, message: str) -> WarehouseError:
    """Return the error of a file that waiting does not open, from DuckDB's message."""
    if (too_new := unreadable_file([path], message)) is not None:
        return too_new
    first = message.splitlines()[0]
    if "not a valid DuckDB database" in message:
        return WarehouseError(
            f"{path} is not a DuckDB database.",
            hint="Set `path` in profiles.yml to another file, or move this one out of the way.",
        )
    if "replaying WAL file" in message:
        return WarehouseError(
            f"The write-ahead log {path}.wal is damaged, or belongs to another file than {path.name}: {first}",
            hint="It has changes that are not in the database yet. Put it back beside its own database, or move it away"
            " to open the database without them.",
        )
    if "Permission denied" in message or "read-only" in message:
        return WarehouseError(
            f"The database {path} cannot be written: {first}",
            hint="Make the file and its folder writable for the user who runs elt.",
        )
    if "No such file or directory" in message or "does not exist" in message:
        return WarehouseError(
            f"The folder {path.parent} of the database {path.name} does not exist.",
            hint="Create the folder, or fix `path` in profiles.yml.",
        )
    return WarehouseError(
        f"The database {path} cannot be opened: {first}",
        hint="Check `path` and its settings in profiles.yml.",
    )
