"""The right to work in a target: one row a target, taken by comparing with what was read."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from orchestrator.execution.recorded import Lease, Process
from orchestrator.store.prepared import Values
from orchestrator.store.tables import leases


def read_lease(connection: Connection, target_identity: str) -> Lease | None:
    """Say who has the right to work in a target."""
    row = connection.execute(select(leases).where(leases.c.target_identity == target_identity)).first()
    if row is None:
        return None
    return Lease(
        target_identity=row.target_identity,
        run_id=row.run_id,
        process=Process(host=row.host, pid=row.process, started_at=row.process_started_at, user=row.user),
        taken_at=row.taken_at,
        beaten_at=row.beaten_at,
    )


def take_lease(connection: Connection, lease: Lease, instead_of: Lease | None) -> bool:
    """Write a lease in the place of the one that was read, or where there was none; False when it is another by now."""
    if instead_of is None:
        try:
            connection.execute(insert(leases), _values(lease))
        except IntegrityError:  # somebody was quicker
            return False
        return True
    taken = connection.execute(
        update(leases).where(_is_of(instead_of), leases.c.beaten_at == instead_of.beaten_at).values(_values(lease))
    )
    return bool(taken.rowcount == 1)


def renew_lease(connection: Connection, lease: Lease, at: datetime) -> None:
    """Note that who has a lease is alive, unless it is another run's by now."""
    connection.execute(update(leases).where(_is_of(lease)).values(beaten_at=at))


def drop_lease(connection: Connection, lease: Lease) -> None:
    """Take a lease away, unless it is another run's by now."""
    connection.execute(delete(leases).where(_is_of(lease)))


def _is_of(lease: Lease) -> ColumnElement[bool]:
    own = (leases.c.target_identity == lease.target_identity) & (leases.c.run_id == lease.run_id)
    return own & (leases.c.process == lease.process.pid)


def _values(lease: Lease) -> Values:
    return {
        "target_identity": lease.target_identity,
        "run_id": lease.run_id,
        "user": lease.process.user,
        "host": lease.process.host,
        "process": lease.process.pid,
        "process_started_at": lease.process.started_at,
        "taken_at": lease.taken_at,
        "beaten_at": lease.beaten_at,
    }
