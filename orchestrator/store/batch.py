"""Collects the rows that one transaction adds to the record of a run, and writes them."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, bindparam, delete
from sqlalchemy.engine import Dialect

from orchestrator.store import tables
from orchestrator.store.prepared import Prepared, Values

_TRY = ("run_id", "step_id", "attempt")
_PLACED = ("target_identity", "place", "step_id")
_END = ("status", "reason", "blame")


@dataclass(slots=True)
class Batch:
    """Rows that are written in one transaction, grouped by the statement that writes them."""

    steps: list[Values] = field(default_factory=list)
    begun: list[Values] = field(default_factory=list)
    """Attempts that start."""
    replaced: list[Values] = field(default_factory=list)
    """Relations that a step starts to write, where other steps may have records."""
    attempts_ended: list[Values] = field(default_factory=list)
    """Attempts that end."""
    parts: list[Values] = field(default_factory=list)
    ended: list[Values] = field(default_factory=list)
    """Steps that end."""
    events: list[Values] = field(default_factory=list)
    texts: list[Values] = field(default_factory=list)
    """Referenced by the rows below; a text that already exists is left unchanged."""
    fingerprints: list[Values] = field(default_factory=list)
    """Of steps that ended."""
    last_success: list[Values] = field(default_factory=list)
    """Of steps that succeeded."""
    last_attempts: list[Values] = field(default_factory=list)
    """Of steps that start, and of steps that ended after they had started."""


class StatementBatch:
    """The statements that write a batch, prepared for one database."""

    def __init__(self, dialect: Dialect) -> None:
        of_attempt = tuple(column.name for column in tables.attempts.c if column.name not in _TRY)
        of_step = tuple(column.name for column in tables.steps.c if column.name not in _END)
        self._steps = Prepared.insert(tables.steps, dialect, of_step)
        self._begun = Prepared.insert(tables.attempts, dialect, (*_TRY, "started_at"))
        self._attempts_ended = Prepared.update(tables.attempts, dialect, key=_TRY, columns=of_attempt)
        self._parts = Prepared.insert(tables.parts, dialect, tables.parts.c.keys())
        self._ended = Prepared.update(tables.steps, dialect, key=("run_id", "step_id"), columns=_END)
        self._events = Prepared.insert(tables.events, dialect, tables.events.c.keys())
        self._texts = Prepared.insert_new(tables.texts, dialect, tables.texts.c.keys(), key=("digest",))
        # A resumed run already has some of these rows: the new result may have a different fingerprint.
        self._fingerprints = Prepared.put(
            tables.fingerprints, dialect, tables.fingerprints.c.keys(), key=("run_id", "step_id")
        )
        self._last_success = Prepared.put(tables.last_success, dialect, tables.last_success.c.keys(), key=_PLACED)
        self._last_attempts = Prepared.put(tables.last_attempts, dialect, tables.last_attempts.c.keys(), key=_PLACED)
        self._replaced = [_removal_of_others(table, dialect) for table in (tables.last_success, tables.last_attempts)]

    def run(self, connection: Connection, batch: Batch) -> None:
        """Write a batch, in the transaction of the caller."""
        # In the order of references: a step before its attempts, a text before the fingerprints that use it.
        for statement, rows in (
            (self._steps, batch.steps),
            (self._begun, batch.begun),
            (self._attempts_ended, batch.attempts_ended),
            (self._parts, batch.parts),
            (self._ended, batch.ended),
            (self._events, batch.events),
            (self._texts, batch.texts),
            (self._fingerprints, batch.fingerprints),
            (self._last_success, batch.last_success),
            (self._last_attempts, batch.last_attempts),
        ):
            statement.run(connection, rows)
        for removal in self._replaced:  # last, because a step that starts may follow one that ended in this batch
            removal.run(connection, batch.replaced)


def _removal_of_others(table: Table, dialect: Dialect) -> Prepared:
    """Return a statement that deletes the records of other steps at a place in a target."""
    asked = {name: bindparam(name, type_=table.c[name].type) for name in _PLACED}
    at_place = (table.c.target_identity == asked["target_identity"]) & (table.c.place == asked["place"])
    return Prepared(delete(table).where(at_place, table.c.step_id != asked["step_id"]), dialect, ())
