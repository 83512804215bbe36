"""Writes fingerprints and the last results of steps as rows, and reads them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Row, Table, select, tuple_

from orchestrator.execution.events import StepEnded
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import SUCCEEDED, LastAttempt, LastSuccess, RecordedFingerprint
from orchestrator.store.fingerprint_text import FingerprintReader, fingerprint_texts
from orchestrator.store.prepared import Values
from orchestrator.store.tables import attempts, fingerprints, last_attempts, last_success, texts
from orchestrator.store.texts import in_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows for the fingerprints of steps that ended together."""

    texts: list[Values]
    """Texts that already exist are left unchanged."""
    fingerprints: list[Values]
    last_success: list[Values]
    """Of the steps that succeeded."""


def fingerprint_rows(
    ended: Sequence[StepEnded], run_id: str, target_identity: str, places: Mapping[StepId, str]
) -> Rows:
    """Return the rows for the ended steps whose fingerprints are known."""
    known_ends = [(event.outcome, event.known) for event in ended if event.known is not None]
    written = [fingerprint_texts(known.fingerprint) for _, known in known_ends]
    kept, exists = [], []
    for (outcome, known), (text, *_) in zip(known_ends, written, strict=True):
        row = {
            "run_id": run_id,
            "step_id": outcome.step_id,
            "digest": known.fingerprint.digest,
            "identity": known.identity,
            "parts_digest": text["digest"],
        }
        kept.append(row)
        doubts = known.doubts
        # If a verification found a difference, the row still describes the build that was verified, not this run.
        if doubts is not None:
            row = {**row, "run_id": doubts.run_id}
        if outcome.status in SUCCEEDED or doubts is not None:
            ended_at = outcome.ended_at if doubts is None else doubts.ended_at
            ends = {"ended_at": ended_at, "status": outcome.status.value}
            at = {"target_identity": target_identity, "place": places.get(outcome.step_id, "")}
            exists.append({**row, **at, **ends})
    # in a fixed order: two runs that insert the same texts at once would otherwise wait for each other
    in_order = sorted({text["digest"]: text for some in written for text in some}.values(), key=itemgetter("digest"))
    return Rows(texts=in_order, fingerprints=kept, last_success=exists)


def last_success_in(
    connection: Connection, target_identity: str, places: Mapping[StepId, str]
) -> dict[StepId, LastSuccess]:
    """Return the last success of each of these steps at its place in a target, if recorded."""
    asked = select(last_success, texts.c.compressed).join(texts, texts.c.digest == last_success.c.parts_digest)
    reader = FingerprintReader(connection)
    found: dict[StepId, LastSuccess] = {}
    for some in in_chunks(sorted(places)):
        rows = connection.execute(asked.where(*_at(last_success, target_identity, places, some))).all()
        made = reader.read([row.compressed for row in rows])
        found |= {StepId(row.step_id): _last_success(row, one) for row, one in zip(rows, made, strict=True)}
    return found


def last_attempts_in(
    connection: Connection, target_identity: str, places: Mapping[StepId, str]
) -> dict[StepId, LastAttempt]:
    """Return the outcome of the last attempt of each of these steps at its place in a target."""
    found: dict[StepId, LastAttempt] = {}
    for some in in_chunks(sorted(places)):
        for row in connection.execute(select(last_attempts).where(*_at(last_attempts, target_identity, places, some))):
            status = Status(row.status) if row.status else None
            found[StepId(row.step_id)] = LastAttempt(run_id=row.run_id, status=status, ended_at=row.ended_at)
    return found


def other_writers_in(connection: Connection, target_identity: str, writers: Mapping[str, set[StepId]]) -> set[str]:
    """Return the relations that several of these steps write, or of which another step has a record in the target."""
    shared = {place for place, own in writers.items() if len(own) > 1}
    asked = select(last_attempts.c.place, last_attempts.c.step_id).where(
        last_attempts.c.target_identity == target_identity
    )
    for some in in_chunks(sorted(writers)):
        for row in connection.execute(asked.where(last_attempts.c.place.in_(some))):
            if row.step_id not in writers[row.place]:
                shared.add(row.place)
    return shared


def _at(
    table: Table, target_identity: str, places: Mapping[StepId, str], steps: Sequence[StepId]
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that select the rows of steps at their places in a target."""
    pairs = [(places[step], step) for step in steps]
    # SQLite does not use the key of the table for pairs, so the places are a condition of their own.
    by_place = table.c.place.in_(sorted({place for place, _ in pairs}))
    return table.c.target_identity == target_identity, by_place, tuple_(table.c.place, table.c.step_id).in_(pairs)


def fingerprints_of(connection: Connection, run_id: str) -> dict[StepId, RecordedFingerprint]:
    """Return the fingerprints that were recorded with a run."""
    asked = select(fingerprints.c.step_id, fingerprints.c.identity, texts.c.compressed)
    asked = asked.join(texts, texts.c.digest == fingerprints.c.parts_digest).where(fingerprints.c.run_id == run_id)
    rows = connection.execute(asked).all()
    made = FingerprintReader(connection).read([row.compressed for row in rows])
    return {
        StepId(row.step_id): RecordedFingerprint(fingerprint=one, identity=row.identity)
        for row, one in zip(rows, made, strict=True)
    }


def compiled_code(connection: Connection, run_id: str, step_id: StepId) -> str | None:
    """Return the compiled code of a node in a run, from dbt's own record of it."""
    asked = select(attempts.c.dbt_results).where(attempts.c.run_id == run_id, attempts.c.step_id == step_id)
    results = connection.execute(asked.order_by(attempts.c.attempt.desc()).limit(1)).scalar()
    code = results[-1].get("compiled_code") if results else None
    return code if isinstance(code, str) else None


def _last_success(row: Row[tuple[object, ...]], fingerprint: Fingerprint) -> LastSuccess:
    return LastSuccess(
        run_id=row.run_id,
        ended_at=row.ended_at,
        status=Status(row.status),
        fingerprint=fingerprint,
        identity=row.identity,
    )
