"""Reads and writes leases: one row per run and target, with the names that the run may write there.

The caller of `take_lease` holds the lock of the store, so that no other run takes a lease between the read and the
write.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from orchestrator.execution.recorded import Lease, Process
from orchestrator.store.prepared import Values
from orchestrator.store.tables import leases


def read_leases(connection: Connection, target_identity: str) -> tuple[Lease, ...]:
    """Return the leases that are held in a target, ordered by run."""
    asked = select(leases).where(leases.c.target_identity == target_identity).order_by(leases.c.run_id)
    return tuple(
        Lease(
            target_identity=row.target_identity,
            run_id=row.run_id,
            process=Process(host=row.host, pid=row.process, started_at=row.process_started_at, user=row.user),
            names=frozenset(row.names),
            taken_at=row.taken_at,
            beaten_at=row.beaten_at,
        )
        for row in connection.execute(asked)
    )


def take_lease(connection: Connection, lease: Lease, instead_of: Collection[Lease]) -> bool:
    """Write a lease in place of those of dead runs; return False if another lease conflicts with it.

    In that case the caller must roll back what was written before the conflict was found.
    """
    for dead in instead_of:
        # The heartbeat is part of the condition: a run that is alive after all keeps its lease.
        connection.execute(delete(leases).where(_is_of(dead), leases.c.beaten_at == dead.beaten_at))
    if any(other.excludes(lease) for other in read_leases(connection, lease.target_identity)):
        return False
    connection.execute(insert(leases), _values(lease))
    return True


def renew_lease(connection: Connection, lease: Lease, at: datetime) -> None:
    """Record a heartbeat of the run that holds a lease, if it still does."""
    connection.execute(update(leases).where(_is_of(lease)).values(beaten_at=at))


def drop_lease(connection: Connection, lease: Lease) -> None:
    """Delete a lease, if the run still holds it."""
    connection.execute(delete(leases).where(_is_of(lease)))


def _is_of(lease: Lease) -> ColumnElement[bool]:
    # A resumed run keeps its id, so only host and pid tell its lease from that of the process before it.
    own = (leases.c.target_identity == lease.target_identity) & (leases.c.run_id == lease.run_id)
    # Two machines, or two containers, can have processes with one pid.
    return own & (leases.c.host == lease.process.host) & (leases.c.process == lease.process.pid)


def _values(lease: Lease) -> Values:
    return {
        "target_identity": lease.target_identity,
        "run_id": lease.run_id,
        "names": sorted(lease.names),
        "user": lease.process.user,
        "host": lease.process.host,
        "process": lease.process.pid,
        "process_started_at": lease.process.started_at,
        "taken_at": lease.taken_at,
        "beaten_at": lease.beaten_at,
    }
