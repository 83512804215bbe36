"""Decides which nodes a plan runs, and why."""

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.nodes.own_step import own_step_name
from orchestrator.plan.existing_relations import Facts
from orchestrator.plan.plan import LeftOut
from orchestrator.plan.presence import Members, Presence
from orchestrator.plan.request import PlanRequest, Upstream, Verb
from orchestrator.plan.step import Cause, Why
from orchestrator.plan.upstream import needed_by
from orchestrator.wording import some_of

CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})
ADDED = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION})
_MOST_NAMED = 3
RUNS = CHECKS | ADDED | {ResourceType.EXPOSURE, ResourceType.SAVED_QUERY}


def members_of(graph: Graph, request: PlanRequest, facts: Facts) -> Members:
    """Decide which nodes the plan runs."""
    return _Choice(graph, request, facts).made()


class _Choice:
    """Collects the members of a plan: the named nodes, then what they need, then the checks on both."""

    def __init__(self, graph: Graph, request: PlanRequest, facts: Facts) -> None:
        self.graph = graph
        self.request = request
        self.facts = facts
        self.nodes = graph.manifest.nodes
        self.found = Members()
        self.named = request.selected | request.direct
        alone = request.upstream is Upstream.NONE and request.verb is not Verb.INGEST
        self.needed = {} if alone else needed_by(graph, request)
        # Only what is needed is filtered: --exclude has already been applied to what is named.
        within = self.named | self.needed.keys() - request.excluded
        self.sources = [source for source in graph.manifest.sources if source in within]
        self.presence = Presence(graph, request, facts, self.found)  # reads `found` while it grows

    def made(self) -> Members:
        match self.request.verb:
            case Verb.BUILD:
                self.take_named_nodes()
                self.add_ancestors()
                self.take_loads()
                self.take_steps()
                self.take_checks()
                self.take_suites(frozenset(self.found.dbt).union(self.sources))
                self.take_gates()
            case Verb.INGEST:
                self.take_loads()
                self.take_steps()
            case Verb.TEST:
                self.take_named_nodes()
                self.take_indirect_checks()
                self.take_suites(self.named)
            case Verb.FRESHNESS:
                self.sources = [source for source in self.sources if source in self.named]
                self.take_gates()
        return self.found

    def take_named_nodes(self) -> None:
        """Add the selected nodes, except for checks from indirect selection, which are added last."""
        wanted = CHECKS if self.request.verb is Verb.TEST else RUNS
        for node in self.nodes.values():
            # A check that came with a node is omitted if its other parents are missing, which only the last step can
            # tell.
            named = node.unique_id in self.request.direct or node.resource_type not in CHECKS
            if node.unique_id not in self.request.selected or node.resource_type not in wanted or not named:
                continue
            if self._checks_allowed(node.resource_type):
                self.found.dbt[node.unique_id] = Cause(why=Why.SELECTED)

    def add_ancestors(self) -> None:
        for node_id, of in self.needed.items():
            node = self.nodes.get(node_id)
            if node is None or node_id in self.found.dbt or node_id in self.request.excluded:
                continue
            if node.resource_type in ADDED and not node.is_empty and self._may_be_added(node.resource_type):
                self.found.dbt[node_id] = Cause(why=Why.NEEDED, of=of)
                self.found.added.add(node_id)

    def take_loads(self) -> None:
        if not self.request.ingest:
            return
        for node_id in self.graph.ingest:
            if node_id in self.request.ingest_selected:
                self.found.ingest[node_id] = Cause(why=Why.SELECTED)
            elif node_id in self.needed:
                # A load may feed several sources. The first that something needs is the reason that is shown.
                fed = next(child for child in self.graph.needs.children(node_id) if child in self.needed)
                self.found.ingest[node_id] = Cause(why=Why.FEEDS, of=fed)

    def take_steps(self) -> None:
        """Add the selected steps of one's own, and those that fill a dbt source which the plan reads, as loads do."""
        for node_id, step in self.graph.steps.items():
            is_selected = node_id in self.request.steps_selected
            if self.request.verb is Verb.INGEST and not step.feeds:
                continue
            if is_selected:
                cause = Cause(why=Why.SELECTED)
            elif step.feeds and self.request.ingest and node_id in self.needed:
                cause = Cause(why=Why.FEEDS, of=next(source for source in step.feeds if source in self.needed))
            else:
                continue
            if self.request.own_steps:
                self.found.steps[node_id] = cause
            else:
                self.found.notes.append(f"{own_step_name(step.name)} does not run with --schema-prefix.")

    def take_checks(self) -> None:
        """Add the checks from indirect selection, then the checks of nodes that the planner added."""
        if not self.request.tests:
            return
        self.take_indirect_checks()
        if self.request.upstream is Upstream.NONE:
            return
        bringers = [node for node in (*self.needed, *self.sources) if self._brings_checks(node)]
        for node_id in bringers:
            for check in self.graph.depends.children(node_id):
                if self._is_brought(check):
                    self.found.dbt[check] = Cause(why=Why.CHECKS, of=node_id)

    def take_indirect_checks(self) -> None:
        for node in self.nodes.values():
            node_id = node.unique_id
            if node_id not in self.request.selected or node_id in self.request.direct:
                continue
            if node.resource_type not in CHECKS:
                continue
            # With `--upstream none` and `elt test`, it runs and errors if a parent is missing, as in dbt.
            missing = None if self._goes_alone() else self.presence.missing_parent(node_id)
            if missing is None:
                self.found.dbt[node_id] = Cause(why=Why.CHECKS, of=self._evaluated(node.parents))
            else:
                detail = f"{short_name(missing)} is neither there nor in the plan"
                self.found.left_out.append(LeftOut(node=node_id, reason="parent_not_built", detail=detail))

    def take_suites(self, checked: frozenset[NodeId]) -> None:
        if not self.request.tests and self.request.verb is not Verb.TEST:
            return
        for suite, bound in self.graph.suites.items():
            if suite in self.request.suites_selected:
                self.found.suites[suite] = Cause(why=Why.SELECTED)
            elif bound.node in checked and suite not in self.request.excluded:
                self.found.suites[suite] = Cause(why=Why.CHECKS, of=bound.node)

    def take_gates(self) -> None:
        if not self.request.freshness and self.request.verb is not Verb.FRESHNESS:
            return
        if self.request.upstream is Upstream.NONE and self.request.verb is Verb.BUILD:
            self._note_unchecked_sources()
        for source_id in self.sources:
            source = self.graph.manifest.sources[source_id]
            if not source.has_freshness:
                continue
            # Without either, neither dbt nor the record of loads knows the age of the rows.
            if source.has_loaded_at or is_loaded_here(self.graph, source_id):
                named = source_id in self.named
                cause = Cause(why=Why.SELECTED) if named else Cause(why=Why.CHECKS, of=source_id)
                self.found.gated[source_id] = cause
            else:
                self.found.notes.append(
                    f"{short_name(source_id)} has freshness limits, but neither loaded_at_field nor "
                    "loaded_at_query, and nothing here loads it: its age is not checked."
                )

    def _note_unchecked_sources(self) -> None:
        above = self.graph.needs.ancestors(frozenset(self.found.dbt))
        sources = self.graph.manifest.sources
        unchecked = [one for one in sources if one in above and one not in self.sources and sources[one].has_freshness]
        if unchecked:
            named = some_of(sorted(map(short_name, unchecked)), _MOST_NAMED)
            again = self.graph.placement.command("elt freshness")
            self.found.notes.append(
                f"the freshness of {named} is not checked, because of --upstream none; check it with: {again}"
            )

    def _brings_checks(self, node: NodeId) -> bool:
        return node in self.found.added or (node in self.graph.manifest.sources and node not in self.named)

    def _is_brought(self, check: NodeId) -> bool:
        node = self.nodes[check]
        if node.resource_type not in CHECKS or check in self.found.dbt or check in self.request.selected:
            return False
        if check in self.request.excluded or not self._may_be_added(node.resource_type):
            return False
        out_of_bounds = any(
            parent in self.request.excluded for parent in node.parents
        )  # dbt's --exclude drops such tests too
        return not out_of_bounds and self.presence.missing_parent(check) is None

    def _evaluated(self, parents: tuple[NodeId, ...]) -> NodeId | None:
        direct = (parent for parent in parents if parent in self.request.direct)  # the reason that the user can follow
        return next(direct, parents[0] if parents else None)

    def _goes_alone(self) -> bool:
        return self.request.upstream is Upstream.NONE or self.request.verb is Verb.TEST

    def _may_be_added(self, kind: ResourceType) -> bool:
        return self.request.resource_types is None or kind in self.request.resource_types

    def _checks_allowed(self, kind: ResourceType) -> bool:
        return self.request.tests or self.request.verb is Verb.TEST or kind not in CHECKS


def is_loaded_here(graph: Graph, source: NodeId) -> bool:
    """Return whether a dlt resource of this project writes the dbt source."""
    return any(parent in graph.ingest for parent in graph.needs.parents(source))
