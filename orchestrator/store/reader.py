"""Reads the record of runs. It writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select

from orchestrator.errors import UnknownRunError
from orchestrator.execution.codec import from_text
from orchestrator.execution.durations import Durations
from orchestrator.execution.events import RunEvent
from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.recorded import (
    MOST_LISTED,
    UNKNOWN_RUN_HINT,
    Failing,
    RecordedAttempt,
    RecordedRun,
    RecordedStep,
    RunHead,
    only_run,
)
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import LastAttempt, LastSuccess, RecordedFingerprint
from orchestrator.store.duration_rows import durations_in
from orchestrator.store.event_rows import NOTICES, RESUMED, WHOLE_RUN, EventReader, RecordedParts
from orchestrator.store.failing import failing_in
from orchestrator.store.fingerprints import compiled_code, fingerprints_of, last_attempts_in, last_success_in
from orchestrator.store.rows import RunTimes, attempt_of, head_of, part_of, step_of
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

    def head(self, run_id: str) -> RunHead:
        """Return a run as in a list of runs; raises UnknownRunError."""
        with self._engine.connect() as connection:
            return _head(connection, _row(connection, run_id))

    def run(self, run_id: str) -> RecordedRun:
        """Return a complete run; raises UnknownRunError."""
        with self._engine.connect() as connection:
            row = _row(connection, run_id)
            plan = from_text(read_text(connection, row.plan_digest).decode(), Plan)
            found, head = _steps(connection, run_id), _head(connection, row)
            return RecordedRun(head=head, asked=row.selected, plan=plan, steps=found)

    def events(self, run_id: str, after: int = 0) -> tuple[RunEvent, ...]:
        """Return the events of a run after a sequence number; none if the run is not known."""
        asked = select(events).where(events.c.run_id == run_id).order_by(events.c.sequence)
        with self._engine.connect() as connection:
            # The new events first: the rest of the record is read only if one of them needs it.
            rows, first = connection.execute(asked.where(events.c.sequence > after)).all(), after
            if not rows:
                return ()
            # These events are rebuilt from all events before them, so reading begins at the first.
            if any(row.kind in WHOLE_RUN for row in rows):
                rows, first = connection.execute(asked).all(), 0
            row = _row(connection, run_id)
            plan = cache(lambda: from_text(read_text(connection, row.plan_digest).decode(), Plan))
            parts = RecordedParts(head=_head(connection, row), plan=plan, steps=_steps(connection, run_id, first))
            reader = EventReader(parts)
            return tuple(event for event in map(reader.event, rows) if (event.sequence or 0) > after)

    def manifest(self, run_id: str) -> bytes | None:
        """Return the manifest that a run was planned with, if it was kept."""
        with self._engine.connect() as connection:
            digest = connection.execute(select(runs.c.manifest_digest).where(runs.c.run_id == run_id)).scalar()
            return read_text(connection, digest) if digest else None

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Return the fingerprints of the ended steps of a run that have one."""
        with self._engine.connect() as connection:
            return fingerprints_of(connection, run_id)

    def last_success(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastSuccess]:
        """Return the last success of each of these steps at its place in a target, for the steps that have one."""
        with self._engine.connect() as connection:
            return last_success_in(connection, target_identity, places)

    def last_attempts(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastAttempt]:
        """Return the outcome of the last attempt of each of these steps at its place in a target."""
        with self._engine.connect() as connection:
            return last_attempts_in(connection, target_identity, places)

    def failing(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Mapping[StepId, Failing]:
        """Return the steps that failed in the last run that attempted them there, and how often in a row."""
        with self._engine.connect() as connection:
            return failing_in(connection, target_identity, places, most)

    def durations(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Durations:
        """Return how long each of these steps took at its place in a target, in at most so many of the last runs."""
        with self._engine.connect() as connection:
            return durations_in(connection, target_identity, places, most)

    def outcomes(self, asked: Mapping[StepId, str]) -> Mapping[StepId, Outcome]:
        """Return the outcome of each step in its given run, without its parts."""
        of_runs: dict[str, list[StepId]] = defaultdict(list)
        for step, run in asked.items():
            of_runs[run].append(step)
        last: dict[StepId, Row[Any]] = {}
        with self._engine.connect() as connection:
            for run, of_run in of_runs.items():
                # In the order of attempts, so that the last one of a step replaces those before it.
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
        # In the order of attempts too: the last count remains.
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


def _row(connection: Connection, run_id: str) -> Row[Any]:
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise UnknownRunError(f"There is no run {run_id}.", hint=UNKNOWN_RUN_HINT)
    return row


def _head(connection: Connection, row: Row[Any]) -> RunHead:
    run_id: str = row.run_id
    return head_of(row, _counts(connection, [run_id])[run_id], _times(connection, [run_id])[run_id])


def _steps(connection: Connection, run_id: str, after: int = 0) -> tuple[RecordedStep, ...]:
    """Return the steps of a run, with their attempts; only those with events after a sequence number if given."""
    changed = select(events.c.step_id).where(events.c.run_id == run_id, events.c.sequence > after)
    tried = _attempts(connection, run_id, changed if after else None)
    asked = select(steps).where(steps.c.run_id == run_id).order_by(steps.c.position)
    if after:
        asked = asked.where(steps.c.step_id.in_(changed))
    return tuple(step_of(step, tuple(tried[step.step_id])) for step in connection.execute(asked))


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
    last = select(events.c.run_id, func.max(events.c.at).label("at"), func.max(events.c.sequence).label("number"))
    last = last.group_by(events.c.run_id)
    before = events.alias()
    # The process that resumes a run may have recorded notices before the resume.
    own = select(func.max(before.c.sequence)).where(
        before.c.run_id == events.c.run_id, before.c.sequence < events.c.sequence, before.c.kind.not_in(NOTICES)
    )
    left = events.alias()
    earlier = (left.c.run_id == events.c.run_id) & (left.c.sequence == own.scalar_subquery())
    resumed = select(events.c.run_id, left.c.at.label("left_at"), events.c.at).join_from(events, left, earlier)
    resumed = resumed.where(events.c.kind == RESUMED)
    for some in in_chunks(list(run_ids)):
        for row in connection.execute(last.where(events.c.run_id.in_(some))):
            found[row.run_id].last_event_at, found[row.run_id].events = row.at, row.number
        for row in connection.execute(resumed.where(events.c.run_id.in_(some))):
            found[row.run_id].idle += row.at - row.left_at
    return found


def _attempts(
    connection: Connection, run_id: str, only: Select[tuple[str]] | None = None
) -> dict[str, list[RecordedAttempt]]:
    of_parts = select(parts).where(parts.c.run_id == run_id).order_by(parts.c.position)
    of_attempts = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.attempt)
    if only is not None:
        of_parts, of_attempts = (
            of_parts.where(parts.c.step_id.in_(only)),
            of_attempts.where(attempts.c.step_id.in_(only)),
        )
    inside: dict[tuple[str, int], list[Part]] = defaultdict(list)
    for row in connection.execute(of_parts):
        inside[row.step_id, row.attempt].append(part_of(row))
    found: dict[str, list[RecordedAttempt]] = defaultdict(list)
    for row in connection.execute(of_attempts):
        found[row.step_id].append(attempt_of(row, tuple(inside[row.step_id, row.attempt])))
    return found
