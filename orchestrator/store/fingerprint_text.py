"""Converts fingerprints to stored texts and back. Parts that many fingerprints share are stored once."""

import json
import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.identity import groups_of, own_of
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, PartGroup, Parts, StatementVerdict
from orchestrator.store.prepared import Values
from orchestrator.store.tables import texts
from orchestrator.store.texts import in_chunks, text_values

FINGERPRINT, GROUP = "fingerprint", "parts"
"""The kinds of texts: a fingerprint with its own parts, and parts that fingerprints share."""
_KNOWN_GROUPS: dict[str, Values] = {}
"""A cache of the rows of groups in this process: many fingerprints share few groups."""
_GROUPS = ("rendered_groups", "built_groups")


def fingerprint_texts(fingerprint: Fingerprint) -> list[Values]:
    """Return the rows of the texts that store a fingerprint: its own first, then those of its shared parts."""
    shared = (*groups_of(fingerprint.rendered), *groups_of(fingerprint.built))
    return [text_values(FINGERPRINT, _text(fingerprint)), *map(_group_values, shared)]


def unused_groups(connection: Connection) -> set[str]:
    """Return the digests of shared parts that no fingerprint uses any more."""
    # Fingerprints refer to groups only inside their compressed texts, so all of these are read.
    used: set[str] = set()
    for compressed in connection.execute(select(texts.c.compressed).where(texts.c.kind == FINGERPRINT)).scalars():
        kept = json.loads(zlib.decompress(compressed))
        used.update(digest for kind in _GROUPS for digest in kept.get(kind, ()))
    return set(connection.execute(select(texts.c.digest).where(texts.c.kind == GROUP)).scalars()) - used


def _text(fingerprint: Fingerprint) -> bytes:
    statement = fingerprint.statement
    kept: dict[str, object] = {
        "node": fingerprint.node,
        "rendered": dict(own_of(fingerprint.rendered)),
        "built": dict(own_of(fingerprint.built)),
        "rendered_groups": [_group_values(group)["digest"] for group in groups_of(fingerprint.rendered)],
        "built_groups": [_group_values(group)["digest"] for group in groups_of(fingerprint.built)],
        "unknown": sorted(fingerprint.unknown),
        "volatile": _told(fingerprint.volatile),
        "at_run_time": _told(fingerprint.at_run_time),
        "not_understood": [_told(finding) for finding in fingerprint.not_understood],
        "is_declared": fingerprint.is_declared,
        "has_statement": fingerprint.has_statement,
        "statement": None
        if statement is None
        else {
            "code": statement.code,
            "findings": statement.findings,
            "volatile": statement.volatile,
            "calls": sorted(statement.calls),
            "stored": dict(statement.stored),
            "sees_all_columns": statement.sees_all_columns,
        },
    }
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


def _group_values(group: PartGroup) -> Values:
    found = _KNOWN_GROUPS.get(group.digest)
    if found is None:
        content = json.dumps(dict(group.parts), sort_keys=True, separators=(",", ":")).encode()
        found = _KNOWN_GROUPS[group.digest] = text_values(GROUP, content)
    return found


def _told(finding: Finding | None) -> list[object] | None:
    return None if finding is None else [finding.what, finding.path, finding.line]


class FingerprintReader:
    """Reads stored fingerprints. Each shared group is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._groups: dict[str, PartGroup] = {}

    def read(self, compressed: Sequence[bytes]) -> list[Fingerprint]:
        """Return the fingerprints of stored texts."""
        kept = [json.loads(zlib.decompress(one)) for one in compressed]
        wanted = {digest for one in kept for kind in _GROUPS for digest in one.get(kind, ())}
        for some in in_chunks(sorted(wanted - self._groups.keys())):
            asked = select(texts.c.digest, texts.c.compressed).where(texts.c.digest.in_(some))
            for row in self._connection.execute(asked):
                self._groups[row.digest] = PartGroup(parts=json.loads(zlib.decompress(row.compressed)))
        return [self._fingerprint(one) for one in kept]

    def _fingerprint(self, kept: dict[str, Any]) -> Fingerprint:
        rendered, built = (
            Parts(kept[kind], tuple(self._groups[digest] for digest in kept.get(f"{kind}_groups", ())))
            for kind in ("rendered", "built")
        )
        statement = kept.get("statement")
        return Fingerprint(
            node=NodeId(kept["node"]),
            rendered=rendered,
            built=built,
            unknown=frozenset(map(NodeId, kept["unknown"])),
            volatile=_found(kept["volatile"]),
            at_run_time=_found(kept["at_run_time"]),
            not_understood=tuple(filter(None, map(_found, kept.get("not_understood", ())))),
            is_declared=kept.get("is_declared", False),
            has_statement=kept.get("has_statement", False),
            statement=None
            if statement is None
            else StatementVerdict(
                code=statement["code"],
                findings=tuple(statement["findings"]),
                volatile=tuple(statement["volatile"]),
                calls=frozenset(statement["calls"]),
                stored=statement["stored"],
                sees_all_columns=statement["sees_all_columns"],
            ),
        )


def _found(told: list[str | int] | None) -> Finding | None:
    return None if told is None else Finding(what=str(told[0]), path=str(told[1]), line=int(told[2]))
