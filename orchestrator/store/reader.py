"""Reads the record of runs. It writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from orchestrator.errors import UnknownRunError
from orchestrator.execution.codec import from_text
from orchestrator.execution.events import RunEvent
from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.recorded import (
    MOST_LISTED,
    UNKNOWN_RUN_HINT,
    Failing,
    RecordedAttempt,
    RecordedEvent,
    RecordedRun,
    RunHead,
    only_run,
)
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.standing import LastTry, RecordedFingerprint, Standing
from orchestrator.store.event_rows import events_between
from orchestrator.store.failing import failing_in
from orchestrator.store.fingerprints import compiled_code, fingerprints_of, last_tries_in, standing_in
from orchestrator.store.rows import RunTimes, attempt_of, event_of, head_of, part_of, step_of
from orchestrator.store.tables import attempts, events, parts, runs, steps
from orchestrator.store.texts import in_chunks, read_text

_NEWEST_FIRST = (runs.c.started_at.desc(), runs.c.run_id.desc())


class SqlRunReader:
    """Reads the record of all runs from a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def heads(self, *, limit: int | None = None, target_identity: str | None = None) -> tuple[RunHead, ...]:
        """Return the runs, newest first."""
        asked = select(runs).order_by(*_NEWEST_FIRST).limit(limit)
        if target_identity is not None:
            asked = asked.where(runs.c.target_identity == target_identity)
        with self._engine.connect() as connection:
            found = connection.execute(asked).all()
            run_ids = [row.run_id for row in found]
            counts, times = _counts(connection, run_ids), _times(connection, run_ids)
        return tuple(head_of(row, counts[row.run_id], times[row.run_id]) for row in found)

    def find(self, beginning: str | None = None) -> str:
        """Return the id of the run that begins with `beginning`; without it, the id of the last run.

        Raises:
            UnknownRunError: no run matches.
            AmbiguousRunError: several runs match.
        """
        asked = select(runs.c.run_id).order_by(*_NEWEST_FIRST)
        if beginning is not None:
            asked = asked.where(runs.c.run_id.startswith(beginning, autoescape=True))
        with self._engine.connect() as connection:
            found = connection.execute(asked.limit(MOST_LISTED + 1)).scalars().all()
            # A complete id is not ambiguous, even if other ids begin with it.
            if beginning is not None and connection.execute(asked.where(runs.c.run_id == beginning)).first():
                return beginning
        return only_run(beginning, found)

    def run(self, run_id: str) -> RecordedRun:
        """Return a complete run; raises UnknownRunError."""
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
            if row is None:
                raise UnknownRunError(f"There is no run {run_id}.", hint=UNKNOWN_RUN_HINT)
            plan = from_text(read_text(connection, row.plan_digest).decode(), Plan)
            tried = _attempts(connection, run_id)
            asked = select(steps).where(steps.c.run_id == run_id).order_by(steps.c.position)
            found = tuple(step_of(step, tuple(tried[step.step_id])) for step in connection.execute(asked))
            head = head_of(row, _counts(connection, [run_id])[run_id], _times(connection, [run_id])[run_id])
            return RecordedRun(head=head, asked=row.selected, plan=plan, steps=found)

    def events(self, run_id: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        """Return the events of a run after a sequence number; none if the run is not known."""
        asked = select(events).where(events.c.run_id == run_id, events.c.sequence > after).order_by(events.c.sequence)
        with self._engine.connect() as connection:
            return tuple(event_of(row) for row in connection.execute(asked))

    def happened(self, run_id: str, first: int, last: int) -> Iterator[RunEvent]:
        """Yield the events of a run with these sequence numbers, except its start and its end."""
        with self._engine.connect() as connection:
            yield from events_between(connection, run_id, first, last)

    def manifest(self, run_id: str) -> bytes | None:
        """Return the manifest that a run was planned with, if it was kept."""
        with self._engine.connect() as connection:
            digest = connection.execute(select(runs.c.manifest_digest).where(runs.c.run_id == run_id)).scalar()
            return read_text(connection, digest) if digest else None

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Return the fingerprints of the ended steps of a run that have one."""
        with self._engine.connect() as connection:
            return fingerprints_of(connection, run_id)

    def standing(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, Standing]:
        """Return the last success of each of these steps at its place in a target, for the steps that have one."""
        with self._engine.connect() as connection:
            return standing_in(connection, target_identity, places)

    def last_tries(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastTry]:
        """Return the outcome of the last attempt of each of these steps at its place in a target."""
        with self._engine.connect() as connection:
            return last_tries_in(connection, target_identity, places)

    def failing(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Mapping[StepId, Failing]:
        """Return the steps that failed in the last run that attempted them there, and how often in a row."""
        with self._engine.connect() as connection:
            return failing_in(connection, target_identity, places, most)

    def outcomes(self, asked: Mapping[StepId, str]) -> Mapping[StepId, Outcome]:
        """Return the outcome of each step in its given run, without its parts."""
        of_runs: dict[str, list[StepId]] = defaultdict(list)
        for step, run in asked.items():
            of_runs[run].append(step)
        last: dict[StepId, Row[Any]] = {}
        with self._engine.connect() as connection:
            for run, of_run in of_runs.items():
                in_run = select(attempts).where(attempts.c.run_id == run).order_by(attempts.c.attempt)
                for some in in_chunks(of_run):
                    rows = connection.execute(in_run.where(attempts.c.step_id.in_(some)))
                    last |= {StepId(row.step_id): row for row in rows}
        found = {step: attempt_of(row, ()).outcome for step, row in last.items()}
        return {step: outcome for step, outcome in found.items() if outcome is not None}

    def row_counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StepId, int]]:
        """Return, for each of these runs, the row count of each table after the step that built or reused it."""
        found: dict[str, dict[StepId, int]] = {run_id: {} for run_id in run_ids}
        asked = select(attempts.c.run_id, attempts.c.step_id, attempts.c.row_count)
        asked = asked.where(attempts.c.row_count.is_not(None)).order_by(attempts.c.attempt)
        with self._engine.connect() as connection:
            for some in in_chunks(list(found)):
                for row in connection.execute(asked.where(attempts.c.run_id.in_(some))):
                    found[row.run_id][StepId(row.step_id)] = row.row_count
        return found

    def compiled_code(self, run_id: str, step_id: StepId) -> str | None:
        """Return the compiled code of a node in a run, if it is still recorded."""
        with self._engine.connect() as connection:
            return compiled_code(connection, run_id, step_id)


def _counts(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[Status, int]]:
    asked = (
        select(steps.c.run_id, steps.c.status, func.count().label("ended"))
        .where(steps.c.run_id.in_(run_ids), steps.c.status.is_not(None))
        .group_by(steps.c.run_id, steps.c.status)
    )
    found: dict[str, dict[Status, int]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(asked):
        found[row.run_id][Status(row.status)] = row.ended
    return {run_id: {status: own[status] for status in Status if status in own} for run_id, own in found.items()}


def _times(connection: Connection, run_ids: Sequence[str]) -> dict[str, RunTimes]:
    found = {run_id: RunTimes() for run_id in run_ids}
    last = select(events.c.run_id, func.max(events.c.at).label("at")).group_by(events.c.run_id)
    before = events.alias()
    earlier = (before.c.run_id == events.c.run_id) & (before.c.sequence == events.c.sequence - 1)
    resumed = select(events.c.run_id, before.c.at.label("left_at"), events.c.at).join(before, earlier)
    resumed = resumed.where(events.c.kind == "run_resumed")
    for some in in_chunks(list(run_ids)):
        for row in connection.execute(last.where(events.c.run_id.in_(some))):
            found[row.run_id].last_event_at = row.at
        for row in connection.execute(resumed.where(events.c.run_id.in_(some))):
            found[row.run_id].idle += row.at - row.left_at
    return found


def _attempts(connection: Connection, run_id: str) -> dict[str, list[RecordedAttempt]]:
    inside: dict[tuple[str, int], list[Part]] = defaultdict(list)
    asked = select(parts).where(parts.c.run_id == run_id).order_by(parts.c.position)
    for row in connection.execute(asked):
        inside[row.step_id, row.attempt].append(part_of(row))
    found: dict[str, list[RecordedAttempt]] = defaultdict(list)
    for row in connection.execute(select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.attempt)):
        found[row.step_id].append(attempt_of(row, tuple(inside[row.step_id, row.attempt])))
    return found
