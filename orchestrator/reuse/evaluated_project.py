"""The ports through which the evaluator reads a project, and its result for a node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import StoredFunction
from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.own_step_fingerprints import FILE, StepFingerprinter, read_by_step
from orchestrator.reuse.fingerprints.result_identity import COLUMNS_OF, Nature, with_built
from orchestrator.reuse.fingerprints.suite_fingerprints import SuiteFingerprinter
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from orchestrator.reuse.last_success import LastSuccess
from orchestrator.reuse.statements import Statements
from orchestrator.reuse.unread import as_recorded


class CompiledCode(Protocol):
    """Returns the compiled code of nodes, now and in earlier runs."""

    def now(self, node: NodeId) -> str | None:
        """Return what a node compiles to now; None if it cannot be compiled."""

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Return what a node was compiled to in a run; None if that is no longer known."""


class Database(Protocol):
    """Returns what the target contains now. Answers are cached until a step touches what they describe."""

    def version(self, source: NodeId, newest_row: str | None) -> SourceVersion | str:
        """Return the version of the rows of a dbt source that no dbt node writes, or why it has none.

        For a table that is too large to read, `newest_row` is used, as dbt's freshness check found it.
        """

    def columns(self, node: NodeId) -> str:
        """Return a digest of the columns of a node's or dbt source's relation; empty if they are not known."""

    def functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions that are stored in the database, by name."""

    def touch(self, step: StepId, *, exists: bool) -> None:
        """Forget what a step may have changed; `exists` if it succeeded, so that its relation exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What the evaluator works on: the graph, the makers of fingerprints, and the sources of data versions."""

    graph: Graph
    maker: Fingerprinter
    database: Database
    code: CompiledCode
    run_id: str
    """Makes the identity of a build unique if its inputs do not determine its result."""
    suites: SuiteFingerprinter | None = None
    steps: StepFingerprinter | None = None
    drops_views: bool = False
    """Whether building a table again drops the views on it."""
    statements: Statements | None = None
    """Analyzes compiled statements; None if there are none."""
    unread: bool = False
    """Whether the database cannot be read now. Only what the manifest proves is then decided."""
    warns_are_errors: bool = False
    """Whether a warning of a check counts as an error in this run. Warnings are then not reused."""
    now: datetime | None = None
    """The start of dbt's invocation."""
    _words: dict[NodeId, Words] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the graph."""
        return self.graph.manifest

    def make(
        self,
        node: NodeId,
        parents: Mapping[NodeId, str],
        made: Mapping[NodeId, Fingerprint],
        versions: Mapping[NodeId, SourceVersion],
        then: Fingerprint | None = None,
    ) -> Fingerprint:
        """Return the fingerprint of a node or suite, made from the identities and fingerprints of its parents.

        Parts that an unread database cannot supply are taken from the node's last fingerprint, `then`.
        """
        if self.suites is not None and node in self.graph.suites:
            found = self.suites.make(node, self.database.functions().keys(), parents, versions)
        elif self.steps is not None and node in self.graph.steps:
            found = self.steps.make(node, parents, versions)
        else:
            found = self.maker.make(self.manifest.nodes[node], parents, made, versions)
        # The columns that a view had when it was created are part of it, and the manifest does not have them.
        shown = tuple(self.columns_of(node))
        if self.unread:
            return found if then is None else as_recorded(found, then, shown)
        columns = {f"{COLUMNS_OF}{one}": self.database.columns(one) for one in shown}
        return with_built(found, {name: digest for name, digest in columns.items() if digest})

    def parents(self, node: NodeId) -> tuple[NodeId, ...]:
        """Return what a node reads; for a dbt source, what writes its table."""
        if node in self.graph.suites:
            return (self.graph.suites[node].node, *self.graph.suites[node].reads)
        if node in self.graph.steps:
            return read_by_step(self.graph, node)
        if node in self.manifest.sources:
            return self.graph.needs.parents(node)
        dbt = self.manifest.nodes.get(node)
        return dbt.parents if dbt is not None else ()

    def unknown_rows_of(self, parent: NodeId) -> str:
        """Describe that nothing is known of what a parent outside of the run holds."""
        deferring = self.statements is not None and self.statements.deferred
        return f"{'with --defer, ' if deferring else ''}what {short_name(parent)} holds is not known"

    def described(self, node: NodeId, change: Change) -> str:
        """Describe a change in a node's or suite's fingerprint, in words and files that the user knows."""
        dbt = self.manifest.nodes.get(node)
        if dbt is None:
            kind, _, of = change.part.partition(":")
            if kind == FILE:
                return f"{of} {change.how}"
            return f"{short_name(NodeId(of)) if of else kind} {change.how}"
        if node not in self._words:
            self._words[node] = Words(self.manifest, self.maker, dbt)
        return self._words[node].change(change)

    def why_warned(self, then: LastSuccess | None) -> str:
        """Return why an earlier warning is not reused; empty if it may be."""
        # Only running the check again can turn its warning into an error.
        is_warning = then is not None and then.status is Status.WARN
        return "it warned, and warnings are errors in this run" if is_warning and self.warns_are_errors else ""

    def columns_of(self, node: NodeId) -> Iterator[NodeId]:
        """Yield the nodes and sources whose columns a view shows. It keeps the columns it was created with."""
        view = self.manifest.nodes.get(node)
        if view is None or view.materialized != "view" or view.resource_type is not ResourceType.MODEL:
            return
        waiting = list(view.parents)
        for parent in waiting:  # the loop appends to it
            dbt = self.manifest.nodes.get(parent)
            if dbt is not None and dbt.is_ephemeral:  # its SQL is inlined, so the view reads what it reads
                waiting += [one for one in dbt.parents if one not in waiting]
            elif parent in self.manifest.sources or (dbt is not None and dbt.placed is not None):
                yield parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The evaluation of a node."""

    fingerprint: Fingerprint
    why: str
    """Why it must run; empty if the existing result is still valid."""
    changed: str
    """What changed since its last build; empty if nothing did."""
    then: LastSuccess | None
    left: str | None
    """Its identity, as its children see it, if it is kept; None if it is not known."""
    built: str
    """Its identity if it is built now."""
    definition: str
    """The half of the identity that covers its definition."""
    nature: Nature
    waits: str = ""
    """Why it is kept although rows that it reads have changed; empty if they have not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEvaluation:
    """The evaluation of a node, and how it was made."""

    evaluation: Evaluation
    compiled: bool
    """Whether the decision was allowed to compile the node."""
