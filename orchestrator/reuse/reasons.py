"""Describes why a node must run: by the changes that caused it, not by everything that differs."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.reuse.evaluated_project import Project
from orchestrator.reuse.fingerprints.compare import Change, Comparison, without_new_settings
from orchestrator.reuse.fingerprints.own_parts import has_foreign_keys
from orchestrator.reuse.fingerprints.result_identity import IDS_OF, Nature, nature_of
from orchestrator.reuse.fingerprints.value import Fingerprint

_MOST_TOLD = 3
_DATA = ("parent:", IDS_OF)


def why_unknown(made: Fingerprint) -> str:
    """Return what in a node itself makes any earlier result unreliable; empty if nothing does."""
    if made.volatile is not None:
        return f"volatile: {made.volatile}"
    return f"not understood: {made.not_understood[0]}" if made.not_understood else ""


def why_dropped(project: Project, node: NodeId, nature: Nature, rebuilt: AbstractSet[NodeId]) -> str:
    """Return which build of this run drops the relation of a node or one of its constraints; empty if none does."""
    # On PostgreSQL, dbt replaces a table with `drop … cascade`, which also drops the views and foreign keys on it.
    again = next((one for one in project.parents(node) if one in rebuilt), None)
    dbt = project.manifest.nodes.get(node)
    if again is None or dbt is None:
        return ""
    if has_foreign_keys(dbt):
        return f"{short_name(again)} is rebuilt, which drops what refers to it by a foreign key"
    drops = nature is Nature.SEES_THROUGH and project.drops_views
    return f"{short_name(again)} is rebuilt, which drops the views on it" if drops else ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Describes what changed for a node."""

    project: Project
    comparisons: Mapping[NodeId, Comparison]
    running: Mapping[NodeId, str]
    """The nodes that run although nothing changed for them, each with the reason."""

    def changed(self, node: NodeId, *, same_definition: bool) -> str:
        """Return what changed for a node; with the same definition, only the data that it reads can have changed."""
        changes = self.comparisons[node].changes
        if not changes:
            return "what it asks the warehouse has another answer"
        data = [change for change in changes if change.part.startswith(_DATA)]
        # A change of the node itself explains more than the changes of data that come with it.
        own = [] if same_definition else [change for change in without_new_settings(changes) if change not in data]
        words = dict.fromkeys(word for change in own or data for word in self._words(node, change, frozenset()))
        return "; ".join(list(words)[:_MOST_TOLD])

    def _words(self, node: NodeId, change: Change, above: frozenset[NodeId]) -> Iterator[str]:
        parent = NodeId(change.part.partition(":")[2])
        if not change.part.startswith("parent:") or parent not in self.project.manifest.nodes:
            yield self.project.described(node, change)
        elif parent in self.running:
            yield f"parent {short_name(parent)} runs: {self.running[parent]}"
        elif through := list(self._through(parent, above | {node})):
            yield from (f"{word} (through {short_name(parent)})" for word in through)
        elif (root := self._root(parent, above)) is not None:
            yield f"parent {short_name(parent)} is rebuilt, because {short_name(root)} runs: {self.running[root]}"
        else:
            yield self.project.described(node, change)

    def _root(self, node: NodeId, above: frozenset[NodeId]) -> NodeId | None:
        """Return the ancestor that causes a node to run; None if anything other than the rows it reads changed."""
        comparison = self.comparisons.get(node)
        if node in above or comparison is None or not comparison.changes:
            return None
        roots = []
        for change in comparison.changes:
            parent = NodeId(change.part.partition(":")[2])
            if not change.part.startswith(_DATA) or parent not in self.project.manifest.nodes:
                return None
            roots.append(parent if parent in self.running else self._root(parent, above | {node}))
        return None if None in roots else roots[0]

    def _through(self, view: NodeId, above: frozenset[NodeId]) -> Iterator[str]:
        """Yield what changed in the data that a view shows; nothing if its own definition changed too."""
        comparison, dbt = self.comparisons.get(view), self.project.manifest.nodes[view]
        if view in above or comparison is None or nature_of(dbt) is not Nature.SEES_THROUGH:
            return
        if any(not change.part.startswith(_DATA) for change in comparison.changes):  # then the view itself is the cause
            return
        for change in comparison.changes:
            yield from (word.partition(" (through ")[0] for word in self._words(view, change, above))
