"""Keeps the record of runs in a database: SQLite in a file, or PostgreSQL."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, event, func, insert, select
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import StoreError
from orchestrator.execution.liveness import LOST_AFTER
from orchestrator.execution.recorded import Lease, Opening
from orchestrator.store.database import (
    explained,
    explained_errors,
    have_alone,
    is_empty,
    open_for_reading,
    open_for_writing,
)
from orchestrator.store.disk_space import file_size, shrink_file
from orchestrator.store.fingerprint_text import GROUP, unused_groups
from orchestrator.store.lease_rows import drop_lease, read_leases, renew_lease, take_lease
from orchestrator.store.notification_rows import SqlNotificationRecord
from orchestrator.store.reader import SqlRunReader
from orchestrator.store.schedule_rows import SqlScheduleRecord
from orchestrator.store.tables import fingerprints, last_success, requests, runs, texts
from orchestrator.store.texts import in_chunks
from orchestrator.store.writer import SqlRunWriter


class SqlStore:
    """The store in a database. It is opened on first use, and for writing only when something is written.

    A corrupt file is left as it is. With `begins_run` it is renamed before a run begins, which it would otherwise
    prevent every time.
    """

    def __init__(self, url: URL, *, begins_run: bool = False) -> None:
        self._url = url
        self._begins_run = begins_run
        self._writing: Engine | None = None
        self._reading: Engine | None = None
        self._writers: list[SqlRunWriter] = []

    def writer(self, opening: Opening) -> SqlRunWriter:
        """Return a writer for a new run; the run is recorded with its first event."""
        writer = SqlRunWriter(self._engine(), opening, self._url, may_set_aside=self._begins_run)
        self._writers.append(writer)
        return writer

    def reader(self) -> SqlRunReader:
        """Return a reader, on connections that cannot write."""
        return SqlRunReader(self._engine_for_reading())

    def schedule_record(self) -> SqlScheduleRecord:
        """Return the record of schedules."""
        return SqlScheduleRecord(self._connected)

    def schedule_reader(self) -> SqlScheduleRecord:
        """Return the record of schedules, on connections that cannot write."""
        return SqlScheduleRecord(lambda: self._engine_for_reading().connect())

    def is_empty(self) -> bool:
        """Return whether nothing was ever recorded."""
        return is_empty(self._url)

    def notification_record(self) -> SqlNotificationRecord:
        """Return the record of notifications."""
        return SqlNotificationRecord(self._connected)

    def ask_to_end(self, run_id: str, *, at: datetime, by: str) -> None:
        """Record a request that a run should end; raises UnknownRunError."""
        found = self.reader().find(run_id)
        with self._connected() as connection, connection.begin():
            row = {"run_id": found, "kind": "cancel", "asked_at": at, "asked_by": by}
            connection.execute(insert(requests), row)

    def leases(self, target_identity: str) -> tuple[Lease, ...]:
        """Return the leases that runs hold in a target, ordered by run; their processes may have died since."""
        with self._connected() as connection, connection.begin():
            return read_leases(connection, target_identity)

    def take(self, lease: Lease, *, instead_of: Collection[Lease] = ()) -> bool:
        """Take a lease with all of its names, in place of those of dead runs, unless another lease conflicts."""
        with self._connected() as connection:
            # The lock covers the read and the write: two runs that start together must not both find the target free.
            have_alone(connection)
            taken = take_lease(connection, lease, instead_of)
            if taken:
                connection.commit()
            else:
                connection.rollback()
        return taken

    def beat(self, lease: Lease, *, at: datetime) -> None:
        """Record a heartbeat of the run that holds a lease, if it still does."""
        with suppress(StoreError, SQLAlchemyError), self._engine().connect() as connection, connection.begin():
            renew_lease(connection, lease, at)  # a missed heartbeat is made up for by the next one

    def let_go(self, lease: Lease) -> None:
        """Release a lease, if the run still holds it."""
        with self._connected() as connection, connection.begin():
            drop_lease(connection, lease)

    def size(self) -> int | None:
        """Return the size of the file in bytes; None on a server."""
        return file_size(self._url)

    def shrink(self) -> bool:
        """Return the space of deleted runs to the disk, unless another process uses the file."""
        return self.size() is not None and shrink_file(self._engine())

    def files(self) -> tuple[Path, ...]:
        """Return the files that change when something is recorded; none if the store is on a server."""
        if self.size() is None:
            return ()
        path = Path(self._url.database or "")
        return path, path.with_name(f"{path.name}-wal")

    def count_runs(self) -> int:
        """Return the number of recorded runs."""
        with self._connected() as connection:
            return int(connection.execute(select(func.count()).select_from(runs)).scalar_one())

    def prune(self, *, keep: int, now: datetime) -> tuple[str, ...]:
        """Delete all but the `keep` newest runs, and return the ids of the deleted ones, oldest first.

        A run that has not ended is kept, unless its last heartbeat is more than a day old.
        """
        newest = select(runs.c.run_id).order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(keep)
        with self._connected() as connection, connection.begin():
            kept = set(connection.execute(newest).scalars())
            is_over = runs.c.status.is_not(None) | (runs.c.heartbeat_at < now - LOST_AFTER)
            asked = select(runs.c.run_id).where(is_over).order_by(runs.c.started_at, runs.c.run_id)
            old = [run_id for run_id in connection.execute(asked).scalars() if run_id not in kept]
            for run_id in old:
                connection.execute(delete(runs).where(runs.c.run_id == run_id))
            used = select(runs.c.plan_digest).union(
                select(runs.c.manifest_digest).where(runs.c.manifest_digest.is_not(None)),
                select(fingerprints.c.parts_digest),
                # A last success outlives its run: later runs are compared with it.
                select(last_success.c.parts_digest),
            )
            # Groups are not in `used`; whether one is used is known only after unused fingerprints are deleted.
            connection.execute(delete(texts).where(texts.c.digest.not_in(used), texts.c.kind != GROUP))
            for some in in_chunks(sorted(unused_groups(connection))):
                connection.execute(delete(texts).where(texts.c.digest.in_(some)))
        return tuple(old)

    def close(self) -> None:
        """Close the writers and the connections."""
        for writer in self._writers:
            writer.close()
        for engine in (self._writing, self._reading):
            if engine is not None:
                engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = self._engine()
        with explained_errors(self._url, set_aside=self._may_set_aside()), engine.connect() as connection:
            yield connection

    def _explain(self, broken: ExceptionContext) -> StoreError | None:
        """Return the error that a reader raises instead, with advice for the user; None for a signal."""
        if not isinstance(broken.original_exception, Exception):
            return None
        return explained(self._url, broken.original_exception, set_aside=self._may_set_aside())

    def _may_set_aside(self) -> bool:
        return self._begins_run and self._writing is not None and not any(one.has_begun for one in self._writers)

    def _engine(self) -> Engine:
        if self._writing is None:
            self._writing = open_for_writing(self._url, set_aside=self._begins_run)
        return self._writing

    def _engine_for_reading(self) -> Engine:
        if self._reading is None:
            self._reading = open_for_reading(self._url)
            # Readers query long after this call, so their errors are explained where they occur.
            event.listen(self._reading, "handle_error", self._explain)
        return self._reading
