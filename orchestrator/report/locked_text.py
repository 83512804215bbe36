"""Describes a database that another process holds, in words and as JSON."""

from rich.text import Text

from orchestrator.reuse.facts import LockedDatabase


def locked_line(locked: LockedDatabase) -> Text:
    """Return one line that names the process that holds the database, and what follows from that."""
    line = f"{locked}, so it was not read. What only it can tell is unconfirmed: the run decides that."
    return Text(line, style="yellow")


def locked_to_json(locked: LockedDatabase | None) -> dict[str, object] | None:
    """Return the same as JSON; None if the database was read."""
    if locked is None:
        return None
    by = {"pid": locked.pid or None, "command": locked.command}
    return {"reason": "database_locked", "database": locked.database, "locked_by": by}
