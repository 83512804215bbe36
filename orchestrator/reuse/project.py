"""What the judge asks of a project, and what it finds of a node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import StoredFunction
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.identity import COLUMNS_OF, Nature, with_built
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.suites import SuiteFingerprinter
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from orchestrator.reuse.fingerprints.words import Words
from orchestrator.reuse.standing import Standing
from orchestrator.reuse.statements import Statements
from orchestrator.reuse.unread import as_recorded


class Code(Protocol):
    """Compiles nodes, and remembers what they were compiled to."""

    def now(self, node: NodeId) -> str | None:
        """Give what a node compiles to now; None when it cannot be compiled."""

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Give what it was compiled to in a run, when that is still known."""


class Database(Protocol):
    """Says what the target holds now; what was asked before is remembered until a step touches it."""

    def version(self, source: NodeId, newest_row: str | None) -> SourceVersion | str:
        """Return the version of the rows of a dbt source that no node of dbt writes, or why it has none.

        The newest row, as dbt's freshness check found it, stands in for a table that is too large to be read.
        """

    def columns(self, node: NodeId) -> str:
        """Return a digest of the columns that a node's or a dbt source's relation has; empty if they are not known."""

    def functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions that are stored in the database, by name."""

    def touch(self, step: StepId, *, stands: bool) -> None:
        """Forget what a step that ran may have changed; `stands` if it ended well, so that what it built stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is judged: the graph, what makes the fingerprints of its nodes, and where versions of data come from."""

    graph: Graph
    maker: Fingerprinter
    database: Database
    code: Code
    run_id: str
    """What is built now is another thing than what was built before, where that cannot be told by its inputs."""
    suites: SuiteFingerprinter | None = None
    drops_views: bool = False
    """Whether building a table again drops the views on it."""
    statements: Statements | None = None
    """Reads compiled statements; None where there are none to read."""
    unread: bool = False
    """Whether the database cannot be read now: then only what the manifest tells for certain is decided."""
    warns_are_errors: bool = False
    """Whether a check that warns counts as an error in this run: then a warning is not reused."""
    _words: dict[NodeId, Words] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        """What dbt knows."""
        return self.graph.manifest

    def make(
        self,
        node: NodeId,
        parents: Mapping[NodeId, str],
        made: Mapping[NodeId, Fingerprint],
        versions: Mapping[NodeId, SourceVersion],
        then: Fingerprint | None = None,
    ) -> Fingerprint:
        """Make the fingerprint of a node, or of a suite, from what its parents are and their fingerprints.

        What an unread database does not tell is taken from the node's last fingerprint.
        """
        if self.suites is not None and node in self.graph.suites:
            found = self.suites.make(node, self.database.functions().keys(), parents, versions)
        else:
            found = self.maker.make(self.manifest.nodes[node], parents, made, versions)
        shown = tuple(self.columns_of(node))
        if self.unread:
            return found if then is None else as_recorded(found, then, shown)
        columns = {f"{COLUMNS_OF}{one}": self.database.columns(one) for one in shown}
        return with_built(found, {name: digest for name, digest in columns.items() if digest})

    def parents(self, node: NodeId) -> tuple[NodeId, ...]:
        """Return what a node reads; of a dbt source what writes its table."""
        if node in self.graph.suites:
            return (self.graph.suites[node].node, *self.graph.suites[node].reads)
        if node in self.manifest.sources:
            return self.graph.needs.parents(node)
        dbt = self.manifest.nodes.get(node)
        return dbt.parents if dbt is not None else ()

    def told(self, node: NodeId, change: Change) -> str:
        """Put a change of a part of a node's or a suite's fingerprint into words and files that the user knows."""
        dbt = self.manifest.nodes.get(node)
        if dbt is None:
            kind, _, of = change.part.partition(":")
            return f"{short_name(NodeId(of)) if of else kind} {change.how}"
        if node not in self._words:
            self._words[node] = Words(self.manifest, self.maker, dbt)
        return self._words[node].change(change)

    def why_warned(self, then: Standing | None) -> str:
        """Return why a warning is not reused; empty if it may be."""
        is_warning = then is not None and then.status is Status.WARN
        return "it warned, and warnings are errors in this run" if is_warning and self.warns_are_errors else ""

    def columns_of(self, node: NodeId) -> Iterator[NodeId]:
        """Return the nodes and sources whose columns a view shows: it keeps those it had when it was created."""
        view = self.manifest.nodes.get(node)
        if view is None or view.materialized != "view" or view.resource_type is not ResourceType.MODEL:
            return
        waiting = list(view.parents)
        for parent in waiting:  # grows while it is walked
            dbt = self.manifest.nodes.get(parent)
            if dbt is not None and dbt.is_ephemeral:
                waiting += [one for one in dbt.parents if one not in waiting]
            elif parent in self.manifest.sources or (dbt is not None and dbt.relation is not None):
                yield parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of a node."""

    fingerprint: Fingerprint
    why: str
    """Why it must run; empty when what stands is its result still."""
    changed: str
    """What changed since it stood, where something did."""
    then: Standing | None
    left: str | None
    """What it is to its children when it is left as it is; None when nobody knows."""
    built: str
    """What it is to them when it is built now."""
    definition: str
    """The half of that which says how it is defined."""
    nature: Nature
