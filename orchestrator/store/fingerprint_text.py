"""Converts fingerprints to stored texts and back. Parts that many fingerprints share are stored once."""

import json
import zlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override
from sqlalchemy import Connection, select

from orchestrator.execution.codec import is_mapping
from orchestrator.reuse.fingerprints.result_identity import groups_of, own_of
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, PartGroup, Parts
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
    kept = _converter().unstructure(fingerprint)
    for kind in ("rendered", "built"):
        kept[f"{kind}_groups"] = [_group_values(group)["digest"] for group in groups_of(getattr(fingerprint, kind))]
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


@cache
def _converter() -> Converter:
    """Return the converter of a fingerprint's fields; a finding is a list, and of the parts only its own are kept."""
    converter = Converter(detailed_validation=False, unstruct_collection_overrides={AbstractSet: sorted})
    converter.register_unstructure_hook(Finding, lambda finding: [finding.what, finding.path, finding.line])
    converter.register_structure_hook(Finding, lambda parts, _: Finding(what=parts[0], path=parts[1], line=parts[2]))
    converter.register_unstructure_hook_func(is_mapping, lambda parts: dict(own_of(parts)))
    converter.register_structure_hook_func(is_mapping, lambda parts, _: parts)
    of_fields = make_dict_unstructure_fn(Fingerprint, converter, compiled=override(omit=True))
    converter.register_unstructure_hook(Fingerprint, of_fields)
    return converter


def _group_values(group: PartGroup) -> Values:
    # Kept per process: a group has hundreds of parts, and thousands of fingerprints may refer to it.
    found = _KNOWN_GROUPS.get(group.digest)
    if found is None:
        content = json.dumps(dict(group.parts), sort_keys=True, separators=(",", ":")).encode()
        found = _KNOWN_GROUPS[group.digest] = text_values(GROUP, content)
    return found


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
        for kind in ("rendered", "built"):
            kept[kind] = Parts(kept[kind], tuple(self._groups[digest] for digest in kept.get(f"{kind}_groups", ())))
        return _converter().structure(kept, Fingerprint)
