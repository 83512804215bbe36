"""Finds the steps that do not run because an upstream check last failed or errored and is not in the plan."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from orchestrator.graph.build import Graph
from orchestrator.graph.edges import WAITS_FOR_GATES
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.placement import load_step_ids
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, OwnStep, StepId
from orchestrator.reuse.past import Past

_CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})


def closed_by(graph: Graph, plan: Plan, past: Past, excluded: AbstractSet[NodeId]) -> dict[StepId, StepId]:
    """Return the closed steps, each with the check that closes it. A check that the user excluded closes nothing."""
    closed: dict[StepId, StepId] = {}
    builds = {NodeId(step.id) for step in plan.steps if _waits(step)}
    for check in _that_said_no(graph, plan, past):
        if check not in excluded:
            # `order` leads from a test to the common descendants of all its parents, so a node below only one of them
            # stays open, as in dbt build.
            for node in graph.order.descendants([check]) & builds:
                closed.setdefault(StepId(node), StepId(check))  # one check is enough to close a step
    return closed


def checked_by(graph: Graph, check: NodeId) -> tuple[NodeId, ...]:
    """Return the nodes that a check examines: the parents of a test, the node of a suite."""
    if check in graph.suites:
        return (graph.suites[check].node,)
    return graph.manifest.nodes[check].parents


def checks_of(graph: Graph) -> Iterator[NodeId]:
    """Yield every test, unit test and suite."""
    yield from graph.suites
    yield from (node.unique_id for node in graph.manifest.nodes.values() if node.resource_type in _CHECKS)


def writers_of(graph: Graph, source: NodeId) -> Iterator[StepId]:
    """Yield the steps that write the table of a dbt source, under every id that they may have."""
    for parent in graph.needs.parents(source):
        if parent in graph.ingest:
            yield from load_step_ids(graph.ingest[parent])
        else:
            yield StepId(parent)


def _that_said_no(graph: Graph, plan: Plan, past: Past) -> Iterator[NodeId]:
    """Yield the checks that failed or errored on what exists now, and that this plan neither runs nor supersedes."""
    for check in checks_of(graph):
        # A check that is in the plan runs, and its new outcome decides.
        if StepId(check) not in past.last_attempts or StepId(check) in plan.by_id:
            continue
        checked = checked_by(graph, check)
        # If the plan rebuilds one of them, the last outcome no longer describes what will exist.
        if checked and all(_still_holds(graph, plan, past, check, node) for node in checked):
            yield check


def _still_holds(graph: Graph, plan: Plan, past: Past, check: NodeId, node: NodeId) -> bool:
    """Return whether a check last failed or errored on a node that this plan does not build or load.

    The gate below a source stays closed until the check passes. A load since then does not open it, because its rows
    have not been checked.
    """
    if node not in graph.manifest.sources:
        return StepId(node) not in plan.by_id and past.said_no(StepId(check), StepId(node))
    return past.said_no(StepId(check)) and plan.by_id.keys().isdisjoint(writers_of(graph, node))


def _waits(step: object) -> bool:
    return isinstance(step, OwnStep) or (isinstance(step, BuildStep) and step.resource_type in WAITS_FOR_GATES)
