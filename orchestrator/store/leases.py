"""The leases of runs: a row for each run and target, with the names of all that the run may write there.

Whoever calls `take_lease` has the store to itself, so that nothing comes between reading what others hold and writing.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from orchestrator.execution.recorded import Lease, Process
from orchestrator.store.prepared import Values
from orchestrator.store.tables import leases


def read_leases(connection: Connection, target_identity: str) -> tuple[Lease, ...]:
    """Return the leases that are held in a target, by run."""
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
    """Write a lease in the place of those of dead runs; False when another one excludes it.

    What was written before that was found is the caller's to roll back.
    """
    for dead in instead_of:
        connection.execute(delete(leases).where(_is_of(dead), leases.c.beaten_at == dead.beaten_at))
    if any(other.excludes(lease) for other in read_leases(connection, lease.target_identity)):
        return False
    connection.execute(insert(leases), _values(lease))
    return True


def renew_lease(connection: Connection, lease: Lease, at: datetime) -> None:
    """Note that the run that holds a lease is alive, if it still holds it."""
    connection.execute(update(leases).where(_is_of(lease)).values(beaten_at=at))


def drop_lease(connection: Connection, lease: Lease) -> None:
    """Remove a lease, if the run still holds it."""
    connection.execute(delete(leases).where(_is_of(lease)))


def _is_of(lease: Lease) -> ColumnElement[bool]:
    own = (leases.c.target_identity == lease.target_identity) & (leases.c.run_id == lease.run_id)
    return own & (leases.c.process == lease.process.pid)


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
