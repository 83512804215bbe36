"""Decides whether a check would find what it reads: planned, written by a planned load, deferred, or existing."""

from dataclasses import dataclass, field

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.existing_relations import Facts
from orchestrator.plan.placement import placed
from orchestrator.plan.plan import LeftOut
from orchestrator.plan.request import PlanRequest
from orchestrator.plan.step import Cause


@dataclass(slots=True, kw_only=True)
class Members:
    """The nodes of a plan in progress, each with its cause."""

    dbt: dict[NodeId, Cause] = field(default_factory=dict)
    added: set[NodeId] = field(default_factory=set)
    ingest: dict[NodeId, Cause] = field(default_factory=dict)
    gated: dict[NodeId, Cause] = field(default_factory=dict)
    """dbt sources whose freshness is checked."""
    suites: dict[NodeId, Cause] = field(default_factory=dict)
    steps: dict[NodeId, Cause] = field(default_factory=dict)
    """Steps of one's own."""
    unconfirmed: dict[NodeId, NodeId] = field(default_factory=dict)
    """Checks whose parents may be missing, because the database could not be read; each with the first such parent."""
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def all(self) -> frozenset[NodeId]:
        """Return every node that becomes a step or a part of one."""
        return frozenset().union(self.dbt, self.ingest, self.gated, self.suites, self.steps)


class Presence:
    """Looks for the parents of checks, and caches the answers. All nodes that build or load must be members already."""

    def __init__(self, graph: Graph, request: PlanRequest, facts: Facts, members: Members) -> None:
        self._graph = graph
        self._request = request
        self._facts = facts
        self._members = members
        self._known: dict[NodeId, bool] = {}
        self._unread: set[NodeId] = set()
        """Nodes that count as existing because the database cannot be read now."""

    def missing_parent(self, check: NodeId) -> NodeId | None:
        """Return the first parent that the check would not find.

        If that depends on the database and it cannot be read, the check stays in the plan as unconfirmed.
        """
        parents = self._graph.depends.parents(check)
        missing = next((parent for parent in parents if not self._is_there(parent)), None)
        unread = next((parent for parent in parents if parent in self._unread), None)
        if missing is None and unread is not None:
            self._members.unconfirmed[check] = unread
        return missing

    def _is_there(self, node: NodeId) -> bool:
        if node not in self._known:
            self._known[node] = self._look_for(node)
        return self._known[node]

    def _look_for(self, node: NodeId) -> bool:
        # An ephemeral model in the plan is looked through: it leaves no relation, so its parents decide.
        if node in self._request.deferred or (node in self._members.dbt and not self._is_looked_through(node)):
            return True
        if node in self._graph.manifest.sources and any(map(self._writes, self._graph.needs.parents(node))):
            return True
        relation = placed(self._graph, node)
        if relation is not None:
            exists = self._facts.exists(relation)
            if exists is None:
                self._unread.add(node)
            return exists is not False  # None: taken as existing, and noted above
        parents = self._graph.depends.parents(node)
        # A node without a relation, such as an ephemeral model, exists if all of its parents do.
        found = all(self._is_there(parent) for parent in parents)
        if not self._unread.isdisjoint(parents):
            self._unread.add(node)
        return found

    def _is_looked_through(self, node: NodeId) -> bool:
        return self._graph.manifest.nodes[node].is_ephemeral

    def _writes(self, producer: NodeId) -> bool:
        members = self._members
        return producer in members.dbt or producer in members.ingest or producer in members.steps
