"""Which steps stay closed because a check above them said no when it last ran, and does not run now."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from orchestrator.graph.build import Graph
from orchestrator.graph.edges import WAITS_FOR_GATES
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, StepId
from orchestrator.reuse.past import Past

_CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})


def closed_by(graph: Graph, plan: Plan, past: Past, excluded: AbstractSet[NodeId]) -> dict[StepId, StepId]:
    """Give the steps that stay closed, each with the check that said no; one that the user excluded closes nothing."""
    closed: dict[StepId, StepId] = {}
    builds = {NodeId(step.id) for step in plan.steps if _waits(step)}
    for check in _that_said_no(graph, plan, past):
        if check not in excluded:
            for node in graph.order.descendants([check]) & builds:
                closed.setdefault(StepId(node), StepId(check))
    return closed


def judged_by(graph: Graph, check: NodeId) -> tuple[NodeId, ...]:
    """Give what a check is about: the parents of a test, the node of a suite."""
    if check in graph.suites:
        return (graph.suites[check].node,)
    return graph.manifest.nodes[check].parents


def checks_of(graph: Graph) -> Iterator[NodeId]:
    """Give every test, unit test and suite."""
    yield from graph.suites
    yield from (node.unique_id for node in graph.manifest.nodes.values() if node.resource_type in _CHECKS)


def _that_said_no(graph: Graph, plan: Plan, past: Past) -> Iterator[NodeId]:
    """Give the checks that failed on what stands, and neither run now nor have what they judge built now."""
    for check in checks_of(graph):
        if StepId(check) not in past.tries or StepId(check) in plan.by_id:
            continue
        judged = [node for node in judged_by(graph, check) if node in graph.manifest.nodes]
        stays = judged and not any(StepId(node) in plan.by_id for node in judged)
        if stays and all(past.said_no(StepId(check), StepId(node)) for node in judged):
            yield check


def _waits(step: object) -> bool:
    return isinstance(step, BuildStep) and step.resource_type in WAITS_FOR_GATES
