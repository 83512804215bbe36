"""What is known of one node's fingerprint, put together for a reader."""

from dataclasses import dataclass

from orchestrator.execution.recorded import Standing
from orchestrator.nodes.dbt import DbtNode
from orchestrator.plan.fingerprints.compare import Comparison
from orchestrator.plan.fingerprints.value import Fingerprint
from orchestrator.plan.fingerprints.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """One part of a fingerprint, in words, now and then."""

    name: str
    words: str
    place: str
    now: str | None
    then: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A node's fingerprint now, and when it last ended well in a target."""

    node: DbtNode
    target: str
    now: Fingerprint
    standing: Standing | None
    comparison: Comparison | None
    """None when it never stood."""
    changes: tuple[str, ...]
    """What changed, in words."""
    parts: tuple[PartLine, ...]


def explained(
    node: DbtNode,
    target: str,
    words: Words,
    now: Fingerprint,
    standing: Standing | None,
    comparison: Comparison | None,
) -> Explained:
    """Put the explanation of a node together."""
    changes = comparison.changes if comparison is not None else ()
    return Explained(
        node=node,
        target=target,
        now=now,
        standing=standing,
        comparison=comparison,
        changes=tuple(words.change(change) for change in changes),
        parts=tuple(_lines(now, standing, words)),
    )


def _lines(now: Fingerprint, standing: Standing | None, words: Words) -> list[PartLine]:
    here, there = now.parts, standing.fingerprint.parts if standing is not None else {}
    found = []
    for name in sorted(here.keys() | there.keys(), key=_rank):
        worded = words.part(name)
        place = " ".join(filter(None, (worded.place, f"({worded.way})" if worded.way else "")))
        found.append(PartLine(name=name, words=worded.subject, place=place, now=here.get(name), then=there.get(name)))
    return found


_ORDER = ("code", "macro", "var", "env", "target", "metadata", "seed", "arguments", "parent", "relation", "config")


def _rank(name: str) -> tuple[int, str]:
    kind = name.partition(":")[0]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), name)
