"""Tracks what the steps of a run have touched. Only touched nodes and their descendants are evaluated again."""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.step import StepId
from orchestrator.reuse.evaluated_project import Project


@dataclass(slots=True)
class Touched:
    """Records each step that ran, before any node downstream of it is evaluated."""

    project: Project
    has_other_rows: Callable[[NodeId], bool]
    """Returns whether the rows of a dbt source differ from those before the run."""
    _everything: bool = False
    _loaded: set[NodeId] = field(default_factory=set)
    """The dbt sources that may have other rows; checked when a node downstream of them is evaluated."""
    _touched: set[NodeId] = field(default_factory=set)
    _untouched: set[NodeId] = field(default_factory=set)

    def note(self, step: StepId) -> None:
        """Record what a step may have changed."""
        node = NodeId(step)
        dbt = self.project.manifest.nodes.get(node)
        if step.startswith("hook.") or (dbt is not None and dbt.resource_type is ResourceType.FUNCTION):
            self._everything = True  # a hook may run any SQL, and any statement may call a function
        elif step.startswith("ingest."):  # a load may write the tables of other sources too
            self._note_sources(*self.project.manifest.sources)
        else:
            if node in self.project.graph.steps:
                self._note_sources(*self.project.graph.steps[node].feeds)
            self._touched.add(node)
            if dbt is not None and dbt.materialized == "external":  # it may have written files that a source reads
                self._note_sources(*(one.unique_id for one in self.project.manifest.sources.values() if one.external))

    def note_check(self, source: NodeId) -> None:
        """Record that a freshness check reported the newest row of a dbt source."""
        self._note_sources(source)

    def reaches(self, node: NodeId) -> bool:
        """Return whether a node or anything upstream of it may have changed; parents are computed first."""
        if self._everything:
            return True
        stack = [node]  # not recursive: a long chain of nodes would exceed Python's recursion limit
        while stack:
            one = stack[-1]
            parents = self.project.parents(one)
            if one in self._touched or one in self._untouched:
                stack.pop()
            elif one in self._loaded and self.has_other_rows(one):
                self._touched.add(stack.pop())
            elif unseen := [parent for parent in parents if not self._is_seen(parent)]:
                stack += unseen
            else:
                is_touched = any(parent in self._touched for parent in parents)
                (self._touched if is_touched else self._untouched).add(stack.pop())
        return node in self._touched

    def _is_seen(self, node: NodeId) -> bool:
        return node in self._touched or node in self._untouched

    def _note_sources(self, *sources: NodeId) -> None:
        self._loaded.update(sources)
        self._untouched.clear()  # a node that was untouched until now may be downstream of one of these
