"""Records a run while it is in progress. Each event is committed before anything depends on it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from orchestrator.errors import StoreError
from orchestrator.execution.codec import to_text
from orchestrator.execution.events import AttemptEnded, Noticed, RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import Opening, as_recorded, completes_attempt, is_attempt
from orchestrator.execution.verdict import exit_code
from orchestrator.faults import Point, passing
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.store import tables
from orchestrator.store.batch import Batch, StatementBatch
from orchestrator.store.database import explained, is_corruption, unwritten
from orchestrator.store.event_rows import event_values
from orchestrator.store.fingerprints import fingerprint_rows, other_writers_in
from orchestrator.store.prepared import Values, key_of
from orchestrator.store.reopen import reopen
from orchestrator.store.rows import attempt_values, end_values, part_values, run_values, step_values
from orchestrator.store.texts import keep_text

_Counted = tuple[int, dict[StepId, int], set[StepId]]
_LOOK = timedelta(seconds=1)


class SqlRunWriter:
    """Records one run in a database. It is used by one thread."""

    def __init__(self, engine: Engine, opening: Opening, url: URL, *, may_set_aside: bool = False) -> None:
        self._engine = engine
        self._url = url
        self._may_set_aside = may_set_aside
        self._opening = opening
        self._statements = StatementBatch(engine.dialect)
        self._open: Connection | None = None
        self._sequence = 0
        self._recorded: list[RunEvent] = []  # by the current transaction
        self._attempts: dict[StepId, int] = {}
        self._running: set[StepId] = set()  # the started steps whose attempt has not ended
        self._verified: set[StepId] = set()  # the started steps that only verify, and build nothing
        self._shared: set[str] = set()  # relations where other steps may have records
        self._looked = opening.started_at

    def record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...]:
        """Record the events in one transaction, and return them with their numbers.

        Raises:
            StoreError: the events cannot be recorded; none of them was.
        """
        passing(Point.RECORD_BEGUN)
        before = self._counted()
        try:
            self._keep(events)
        except DBAPIError as error:
            # Take the numbers back, as for a rollback; `after` has them in case the transaction was committed.
            after = self._counted()
            self._sequence, self._attempts, self._running = before
            if not (error.connection_invalidated and self.has_begun):
                raise self._refused(error) from error
            self._keep_again(events, after)
        passing(Point.RECORD_KEPT)
        return tuple(self._recorded)

    def _counted(self) -> _Counted:
        return self._sequence, dict(self._attempts), set(self._running)

    def _keep(self, events: Sequence[RunEvent]) -> None:
        with self._connection().begin():
            # One transaction for all events of a decision: a crash leaves no outcome without what follows from it.
            batch = Batch()
            self._recorded = [self._write(event, batch) for event in events]
            self._keep_fingerprints(events, batch)
            self._statements.run(self._connection(), batch)
            passing(Point.RECORD_WRITTEN)

    def _keep_again(self, events: Sequence[RunEvent], after: _Counted) -> None:
        """Record the events on a new connection after the server dropped ours, unless it had already committed them."""
        last = select(func.max(tables.events.c.sequence)).where(self._this(tables.events))
        try:
            with self._connection().begin():
                kept = self._connection().execute(last).scalar()
            # More than was recorded before: the lost transaction was committed, whole. Its own count would not do: a
            # statement that fails before its event is counted leaves the count as it was.
            if kept is not None and kept > self._sequence:
                self._sequence, self._attempts, self._running = after
            else:
                self._keep(events)
        except DBAPIError as error:
            raise self._refused(error) from error

    def look(self, at: datetime) -> bool:
        """Record a heartbeat once a second, and return whether a user has asked the run to end."""
        if _is_within(at - self._looked, _LOOK):
            return False
        self._looked = at
        try:
            with self._connection().begin():
                beat = update(tables.runs).where(self._this(tables.runs)).values(heartbeat_at=at)
                self._connection().execute(beat)
                return self._take_requests(at)
        except DBAPIError:  # a missed heartbeat is made up for by the next one
            return False

    @property
    def has_begun(self) -> bool:
        """Whether anything of the run has been recorded."""
        return self._sequence > 0

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _write(self, event: RunEvent, batch: Batch) -> RunEvent:
        """Add an event to the batch, and return it with its number."""
        match event:
            case RunStarted():
                self._begin(event, batch)
                for notice in self._opening.notices:
                    self._note(batch, notice)
                return self._note(batch, event)
            case StepStarted():
                number = self._attempts[event.step_id] = self._attempts.get(event.step_id, 0) + 1
                self._running.add(event.step_id)
                batch.begun.append({**self._key(event.step_id), "attempt": number, "started_at": event.at})
                if event.verifies:
                    # The existing table is only read, so its record stays valid.
                    self._verified.add(event.step_id)
                else:
                    self._verified.discard(event.step_id)
                    # From now on the relation may hold anything, so what other steps left there must not be reused.
                    self._replace_others(event.step_id, batch)
                    # Without a status until it ends: if the process dies, the step counts as not succeeded.
                    batch.last_attempts.append(self._last_attempt(event.step_id))
                return self._note(batch, event, number)
            case AttemptEnded():
                return self._note(batch, event, self._end_attempt(event.outcome, batch))
            case StepEnded():
                return self._note(batch, event, self._end_step(event.outcome, batch))
            case Noticed():
                return self._note(batch, event, self._attempts.get(event.step_id) if event.step_id else None)
            case RunEnded():
                ended = {"status": event.status.value, "exit_code": int(exit_code(event.status)), "ended_at": event.at}
                self._connection().execute(update(tables.runs).where(self._this(tables.runs)).values(**ended))
                return self._note(batch, event)

    def _begin(self, event: RunStarted, batch: Batch) -> None:
        connection = self._connection()
        # Both texts first, because the row of the run refers to them.
        plan = keep_text(connection, "plan", to_text(event.plan).encode())
        kept = self._opening.manifest
        manifest = None if kept is None else keep_text(connection, "manifest", kept)
        writers: dict[str, set[StepId]] = defaultdict(set)
        for step_id, names in self._opening.writes.items():
            for name in names:
                writers[name].add(step_id)
        self._shared = other_writers_in(connection, self._opening.target_identity, writers)
        values = run_values(self._opening, event, plan, manifest)
        if self._opening.continues is not None:
            self._sequence, self._attempts = reopen(connection, self._opening, values, event)
        else:
            connection.execute(insert(tables.runs), values)
            batch.steps.extend(step_values(event, self._opening))

    def _replace_others(self, step_id: StepId, batch: Batch) -> None:
        """Add to the batch the deletion of other steps' records of the relations that a step starts to write."""
        target = self._opening.target_identity
        written = self._shared.intersection(self._opening.writes.get(step_id, ()))
        batch.replaced.extend({"target_identity": target, "place": place, "step_id": step_id} for place in written)

    def _end_step(self, outcome: Outcome, batch: Batch) -> int | None:
        number = self._end_attempt(outcome, batch)
        batch.ended.append({**key_of(**self._key(outcome.step_id)), **end_values(outcome)})
        if outcome.step_id in self._attempts and is_attempt(outcome, verifies=outcome.step_id in self._verified):
            batch.last_attempts.append(self._last_attempt(outcome.step_id, outcome))
        return number

    def _keep_fingerprints(self, events: Sequence[RunEvent], batch: Batch) -> None:
        ended = [event for event in events if isinstance(event, StepEnded)]
        opening = self._opening
        kept = fingerprint_rows(ended, opening.run_id, opening.target_identity, opening.places)
        batch.texts, batch.fingerprints, batch.last_success = kept.texts, kept.fingerprints, kept.last_success

    def _last_attempt(self, step_id: StepId, outcome: Outcome | None = None) -> Values:
        return {
            "target_identity": self._opening.target_identity,
            "place": self._opening.places.get(step_id, ""),
            "step_id": step_id,
            "run_id": self._opening.run_id,
            "status": None if outcome is None else outcome.status.value,
            "ended_at": None if outcome is None else outcome.ended_at,
        }

    def _end_attempt(self, outcome: Outcome, batch: Batch) -> int | None:
        """Return the number of the attempt that ended; None if the step ends without one, and its last stays as it is.

        A step that is skipped or cancelled may have attempts: before a repeat, or before a resume.
        """
        key = self._key(outcome.step_id)
        is_running = outcome.step_id in self._running or completes_attempt(outcome)
        number = self._attempts.get(outcome.step_id) if is_running else None
        if (
            outcome.status is Status.REUSED and outcome.reason.code is not ReasonCode.VERIFIED
        ):  # it never started, but what it reuses is recorded as an attempt
            number = self._attempts[outcome.step_id] = self._attempts.get(outcome.step_id, 0) + 1
            batch.begun.append({**key, "attempt": number, "started_at": None})
        self._running.discard(outcome.step_id)
        if number is not None:
            batch.attempts_ended.append({**key_of(**key, attempt=number), **attempt_values(outcome)})
            batch.parts.extend({**key, "attempt": number, **values} for values in part_values(outcome))
        return number

    def _take_requests(self, at: datetime) -> bool:
        asked = tables.requests
        open_ones = self._this(asked) & asked.c.taken_at.is_(None)
        found = self._connection().execute(select(asked.c.request_id).where(open_ones)).first() is not None
        if found:
            # Each request counts once: otherwise it would also end the run when it is resumed.
            self._connection().execute(update(asked).where(open_ones).values(taken_at=at))
        return found

    def _note(self, batch: Batch, event: RunEvent, attempt: int | None = None) -> RunEvent:
        self._sequence += 1
        recorded = as_recorded(event, self._opening, self._sequence, attempt)
        batch.events.append(event_values(recorded, attempt))
        return recorded

    def _refused(self, error: DBAPIError) -> StoreError:
        # Closed first, because `explained` may rename the file.
        if is_corruption(self._url, error.orig):
            self.close()
            return explained(self._url, error.orig, set_aside=self._may_set_aside and not self.has_begun)
        return unwritten(self._url, error.orig)

    def _this(self, table: Table) -> ColumnElement[bool]:
        return table.c.run_id == self._opening.run_id

    def _connection(self) -> Connection:
        if self._open is None:
            self._open = self._engine.connect()
        return self._open

    def _key(self, step_id: StepId) -> Values:
        return {"run_id": self._opening.run_id, "step_id": step_id}


def _is_within(passed: timedelta, span: timedelta) -> bool:
    """Return whether the time passed is less than the span; False if the clock was set back."""
    return timedelta() <= passed < span
