"""Fingerprints as texts that are kept once, and as rows; and back."""

import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice

from sqlalchemy import Connection, Row, select
from sqlalchemy.engine import Dialect

from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.recorded import RecordedFingerprint, Standing
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.fingerprints.value import Finding, Fingerprint
from orchestrator.plan.step import StepId
from orchestrator.store.prepared import Prepared, Values
from orchestrator.store.tables import attempts, fingerprints, standing, texts

_AT_ONCE = 500  # values in one question; SQLite takes a thousand
STANDS = frozenset({Status.SUCCESS, Status.WARN})
"""What a node that leaves a fingerprint behind ended as; a result that was reused left its own before."""


class KeptFingerprints:
    """The fingerprints of one run: kept when it begins, found again when a step ends."""

    def __init__(self, dialect: Dialect, of_steps: Mapping[StepId, RecordedFingerprint]) -> None:
        self._new_texts = Prepared.insert_new(texts, dialect, texts.c.keys(), key=("digest",))
        self._of_steps = of_steps
        self._parts: dict[StepId, str] = {}
        self._digests: dict[StepId, str] = {}

    def keep(self, connection: Connection, run_id: str, planned: Collection[StepId]) -> list[Values]:
        """Keep the texts that are new, and give a row for each planned step that has a fingerprint."""
        written = {step: _text(self._of_steps[step].fingerprint) for step in planned if step in self._of_steps}
        self._parts = {step: sha256(text).hexdigest() for step, text in written.items()}
        self._digests = {step: self._of_steps[step].fingerprint.digest for step in written}
        known = _known(connection, frozenset(self._parts.values()))
        new = {digest: written[step] for step, digest in self._parts.items() if digest not in known}
        rows = [
            {"digest": digest, "kind": "fingerprint", "compressed": zlib.compress(text, level=1)}
            for digest, text in new.items()
        ]
        self._new_texts.run(connection, rows)
        return [
            {
                "run_id": run_id,
                "step_id": step,
                "digest": self._digests[step],
                "identity": self._of_steps[step].identity,
                "parts_digest": parts,
            }
            for step, parts in self._parts.items()
        ]

    def standing(self, outcome: Outcome, run_id: str, target_identity: str) -> Iterator[Values]:
        """Give the row that says what stands now, when the step ended well."""
        parts = self._parts.get(outcome.step_id)
        if parts is not None and outcome.status in STANDS:
            yield {
                "target_identity": target_identity,
                "step_id": outcome.step_id,
                "run_id": run_id,
                "ended_at": outcome.ended_at,
                "status": outcome.status.value,
                "digest": self._digests[outcome.step_id],
                "identity": self._of_steps[outcome.step_id].identity,
                "parts_digest": parts,
            }


def standing_in(connection: Connection, target_identity: str, steps: Collection[StepId]) -> dict[StepId, Standing]:
    """Give what stands of each of these nodes in a target, as far as it is recorded."""
    asked = select(standing, texts.c.compressed).join(texts, texts.c.digest == standing.c.parts_digest)
    asked = asked.where(standing.c.target_identity == target_identity)
    found: dict[StepId, Standing] = {}
    for some in _chunks(sorted(steps)):
        rows = connection.execute(asked.where(standing.c.step_id.in_(some)))
        found |= {StepId(row.step_id): _standing(row) for row in rows}
    return found


def identities_in(
    connection: Connection, target_identity: str, steps: Collection[StepId]
) -> dict[StepId, tuple[str, str]]:
    """Give of each of these nodes that stands in a target its digest, and what it is to its children."""
    asked = select(standing.c.step_id, standing.c.digest, standing.c.identity)
    asked = asked.where(standing.c.target_identity == target_identity)
    found: dict[StepId, tuple[str, str]] = {}
    for some in _chunks(sorted(steps)):
        rows = connection.execute(asked.where(standing.c.step_id.in_(some)))
        found |= {StepId(row.step_id): (row.digest, row.identity) for row in rows}
    return found


def fingerprints_of(connection: Connection, run_id: str) -> dict[StepId, RecordedFingerprint]:
    """Give the fingerprints that were recorded with a run."""
    asked = select(fingerprints.c.step_id, fingerprints.c.identity, texts.c.compressed)
    asked = asked.join(texts, texts.c.digest == fingerprints.c.parts_digest).where(fingerprints.c.run_id == run_id)
    return {
        StepId(row.step_id): RecordedFingerprint(fingerprint=_fingerprint(row.compressed), identity=row.identity)
        for row in connection.execute(asked)
    }


def compiled_code(connection: Connection, run_id: str, step_id: StepId) -> str | None:
    """Give the code that dbt compiled a node to in a run, as dbt's own record of it has it."""
    asked = select(attempts.c.dbt_results).where(attempts.c.run_id == run_id, attempts.c.step_id == step_id)
    results = connection.execute(asked.order_by(attempts.c.attempt.desc()).limit(1)).scalar()
    code = results[-1].get("compiled_code") if results else None
    return code if isinstance(code, str) else None


def _text(fingerprint: Fingerprint) -> bytes:
    kept = {
        "node": fingerprint.node,
        "rendered": fingerprint.rendered,
        "built": fingerprint.built,
        "unknown": sorted(fingerprint.unknown),
        "volatile": _told(fingerprint.volatile),
        "at_run_time": _told(fingerprint.at_run_time),
    }
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


def _told(finding: Finding | None) -> list[object] | None:
    return None if finding is None else [finding.what, finding.path, finding.line]


def _fingerprint(compressed: bytes) -> Fingerprint:
    kept = json.loads(zlib.decompress(compressed))
    return Fingerprint(
        node=NodeId(kept["node"]),
        rendered=kept["rendered"],
        built=kept["built"],
        unknown=frozenset(map(NodeId, kept["unknown"])),
        volatile=_found(kept["volatile"]),
        at_run_time=_found(kept["at_run_time"]),
    )


def _found(told: list[str | int] | None) -> Finding | None:
    return None if told is None else Finding(what=str(told[0]), path=str(told[1]), line=int(told[2]))


def _standing(row: Row[tuple[object, ...]]) -> Standing:
    return Standing(
        run_id=row.run_id,
        ended_at=row.ended_at,
        status=Status(row.status),
        fingerprint=_fingerprint(row.compressed),
        identity=row.identity,
    )


def _known(connection: Connection, digests: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    for some in _chunks(sorted(digests)):
        found.update(connection.execute(select(texts.c.digest).where(texts.c.digest.in_(some))).scalars())
    return frozenset(found)


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(values)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
