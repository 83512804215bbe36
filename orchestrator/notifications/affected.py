"""Finds what a root cause concerns: its nodes, their owners, and the exposures that are out of date because of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.notifications.trouble import NodeFacts
from orchestrator.plan.step import BuildStep, FreshnessStep, HookStep, IngestStep, Step, TestStep, ValidationStep


class AffectedNodes:
    """The graph of a recorded manifest, read downwards. Without a manifest only the steps themselves are known."""

    def __init__(self, manifest: Manifest | None) -> None:
        self._nodes: Mapping[NodeId, DbtNode] = {} if manifest is None else manifest.nodes
        self._sources: Mapping[NodeId, DbtSource] = {} if manifest is None else manifest.sources

    def of_steps(self, steps: Iterable[Step]) -> tuple[NodeFacts, ...]:
        """Return the nodes of the steps."""
        return tuple(dict.fromkeys(node for step in steps for node in self._of_step(step)))

    def exposures(self, steps: Iterable[Step]) -> tuple[NodeFacts, ...]:
        """Return the exposures below the steps."""
        waiting = [node for step in steps for node in self._read_from(step)]
        seen = set(waiting)
        for node in waiting:  # the list grows while it is read
            new = [child for child in self._children[node] if child not in seen]
            seen.update(new)
            waiting += new
        found = [one for one in waiting if one.startswith(f"{ResourceType.EXPOSURE}.")]
        return tuple(self._facts(one) for one in sorted(found))

    @cached_property
    def _children(self) -> defaultdict[NodeId, list[NodeId]]:
        children = defaultdict[NodeId, list[NodeId]](list)
        for node in self._nodes.values():
            for parent in node.parents:
                children[parent].append(node.unique_id)
        return children

    def _of_step(self, step: Step) -> Iterator[NodeFacts]:
        match step:
            case IngestStep():
                yield NodeFacts(id=NodeId(step.id), name=step.name, resource_type="ingest", path=step.path)
                yield from map(self._facts, step.feeds)
            case BuildStep():
                yield self._facts(step.node)
            case TestStep():
                yield self._facts(step.node)
                yield from map(self._facts, self._tested(step))
            case FreshnessStep() | ValidationStep():
                yield self._facts(step.node)
            case HookStep():
                pass

    def _read_from(self, step: Step) -> Iterator[NodeId]:
        """Yield the nodes that are wrong or out of date if a step does not succeed."""
        match step:
            case IngestStep():
                yield from step.feeds
            case TestStep():
                yield from self._tested(step)
            case BuildStep() | FreshnessStep() | ValidationStep():
                yield step.node
            case HookStep():
                pass

    def _tested(self, step: TestStep) -> tuple[NodeId, ...]:
        node = self._nodes.get(step.node)
        return () if node is None else node.parents

    def _facts(self, one: NodeId) -> NodeFacts:
        node = self._nodes.get(one) or self._sources.get(one)
        kind = one.partition(".")[0]
        if node is None:
            return NodeFacts(id=one, name=short_name(one), resource_type=kind)
        name = short_name(one)
        return NodeFacts(id=one, name=name, resource_type=kind, path=node.path, tags=node.tags, owners=node.owners)
