"""Describes a database that another process holds, in words and as JSON."""

from rich.text import Text

from orchestrator.reuse.facts import LockedDatabase


def locked_line(held: LockedDatabase) -> Text:
    """Return one line that names the process that holds the database, and what follows from that."""
    told = f"{held}, so it was not read. What only it can tell is unconfirmed: the run decides that."
    return Text(told, style="yellow")


def locked_to_json(held: LockedDatabase | None) -> dict[str, object] | None:
    """Return the same as JSON; None if the database was read."""
    if held is None:
        return None
    by = {"pid": held.pid or None, "command": held.command}
    return {"reason": "database_held", "database": held.database, "held_by": by}
