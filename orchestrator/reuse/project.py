"""What the judge asks of a project, and what it finds of a node."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.status import Status
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.identity import Nature
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from orchestrator.reuse.standing import Standing
from orchestrator.reuse.statements import Statements


class Code(Protocol):
    """Compiles nodes, and remembers what they were compiled to."""

    def now(self, node: NodeId) -> str | None:
        """Give what a node compiles to now; None when it cannot be compiled."""

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Give what it was compiled to in a run, when that is still known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is judged: the nodes, how their fingerprints are made, and where versions of data come from."""

    manifest: Manifest
    make: Callable[
        [NodeId, Mapping[NodeId, str], Mapping[NodeId, Fingerprint], Mapping[NodeId, SourceVersion]], Fingerprint
    ]
    """Makes the fingerprint of a node, or of a suite, from what its parents are and their fingerprints."""
    parents: Callable[[NodeId], tuple[NodeId, ...]]
    """What a node reads; of a dbt source what writes its table."""
    version: Callable[[NodeId], SourceVersion | str]
    """Returns the version of the data of a dbt source that no node of dbt writes, or why it has none."""
    tell: Callable[[NodeId, Change], str]
    """Puts a change into words."""
    code: Code
    run_id: str
    """What is built now is another thing than what was built before, where that cannot be told by its inputs."""
    drops_views: bool = False
    """Whether building a table again drops the views on it."""
    statements: Statements | None = None
    """Reads compiled statements; None where there are none to read."""
    columns: Callable[[NodeId], str] = lambda _node: ""
    """Returns a digest of the columns that a node's or a dbt source's relation has now; empty when not known."""
    warns_are_errors: bool = False
    """Whether a check that warns counts as an error in this run: then a warning is not reused."""

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
