"""Builds the explanation of one node's fingerprint for `elt explain`."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Decision
from orchestrator.reuse.facts import LockedDatabase
from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.compare import Change, Comparison, ComparisonVerdict
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import LastSuccess
from orchestrator.reuse.unread import is_of_the_database


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """One part of a fingerprint in words, with its current and its last value."""

    name: str
    words: str
    place: str
    now: str | None
    then: str | None
    is_read: bool = True
    """False if only the database knows the part and it could not be read. `now` is then the recorded value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCause:
    """An ancestor and its own changes, in words."""

    node: NodeId
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A node's current fingerprint, and its last successful build in a target."""

    node: DbtNode
    target: str
    now: Fingerprint
    last_success: LastSuccess | None
    comparison: Comparison | None
    """None if it was never built."""
    changes: tuple[str, ...]
    """The changes, in words."""
    above: tuple[ExplainedCause, ...]
    """The ancestors in which the changes of its parents originate."""
    parts: tuple[PartLine, ...]
    decision: Decision | None = None
    """What `elt run --skip-unchanged` would do with it; None if no step runs it, as for an ephemeral model."""
    locked: LockedDatabase | None = None
    """The database that could not be read; None if it was."""


def explained(
    node: DbtNode,
    target: str,
    words: Callable[[NodeId], Words],
    now: Fingerprint,
    last_success: LastSuccess | None,
    comparisons: Mapping[NodeId, Comparison],
    decision: Decision | None = None,
) -> Explained:
    """Return the explanation of a node; `comparisons` are those of its ancestors and itself, in graph order."""
    comparison = comparisons.get(node.unique_id)
    own = words(node.unique_id)
    changes = comparison.changes if comparison is not None else ()
    inherits = any(_is_inherited(change) for change in changes)
    return Explained(
        node=node,
        target=target,
        now=now,
        last_success=last_success,
        comparison=comparison,
        changes=tuple(own.change(change) for change in changes),
        above=tuple(_causes(node, comparisons, words)) if inherits else (),  # its own changes explain the rest
        parts=tuple(_lines(now, last_success, own)),
        decision=decision,
    )


def without_database(found: Explained, locked: LockedDatabase, unread: Collection[NodeId]) -> Explained:
    """Return an explanation marked as made without the database; `unread` are the dbt sources with unknown rows."""
    parts = (replace(part, is_read=not is_of_the_database(part.name, unread)) for part in found.parts)
    return replace(found, parts=tuple(parts), locked=locked)


def _causes(
    node: DbtNode, comparisons: Mapping[NodeId, Comparison], words: Callable[[NodeId], Words]
) -> Iterator[ExplainedCause]:
    for above, comparison in comparisons.items():
        same = (
            comparison.verdict is ComparisonVerdict.SAME
        )  # a view can be the same although the rows that it shows changed
        changes = [change for change in comparison.changes if not _is_inherited(change)]
        changes = [change for change in changes if not same or change.part.startswith(_DATA_OF_SOURCE)]
        if above != node.unique_id and changes:  # what it only inherited is explained further up
            yield ExplainedCause(node=above, changes=tuple(words(above).change(change) for change in changes))


def _is_inherited(change: Change) -> bool:
    """Return whether a change comes from a parent node; the data of a source changes on its own."""
    return change.part.startswith("parent:") and not change.part.startswith(_DATA_OF_SOURCE)


_DATA_OF_SOURCE = "parent:source."


def _lines(now: Fingerprint, last_success: LastSuccess | None, words: Words) -> list[PartLine]:
    here, there = now.parts, last_success.fingerprint.parts if last_success is not None else {}
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
