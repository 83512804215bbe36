"""Finds which steps of a plan can be reused, which of them the user named, and which sources the plan loads."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.request import PlanRequest
from orchestrator.plan.step import BuildStep, IngestStep, OwnStep, Step, StepId, TestStep, ValidationStep


def fed_by(graph: Graph, plan: Plan) -> set[NodeId]:
    """Return the dbt sources that the loads and the other steps of a plan fill, without loads that are not due."""
    loads = (step for step in plan.of(IngestStep) if not is_recent(step))
    loaded = {node for step in loads for node in step.nodes}
    filled = {source for step in plan.of(OwnStep) for source in step.feeds}
    return filled | {source for source in graph.manifest.sources if not loaded.isdisjoint(graph.needs.parents(source))}


def is_recent(step: Step) -> bool:
    """Return whether a step is a load that is not due."""
    return step.decision is not None and step.decision.act is Act.RECENT


def nodes_of(plan: Plan) -> list[NodeId]:
    """Return the nodes of the steps of a plan that have a reusable result."""
    return [NodeId(step.id) for step in plan.steps if is_decided(step)]


def is_decided(step: Step) -> bool:
    """Return whether a step has a result that can be reused."""
    return isinstance(step, BuildStep | TestStep | ValidationStep) or has_inputs(step)


def has_inputs(step: Step) -> bool:
    """Return whether a step of one's own declares its inputs; otherwise it always runs."""
    return isinstance(step, OwnStep) and step.inputs is not None


@dataclass(frozen=True, slots=True)
class Named:
    """The steps that the selection named. They run even if a result exists, unless the user says otherwise."""

    plan: Plan
    request: PlanRequest

    def has(self, step: Step) -> bool:
        """Return whether the user named what the step builds or checks."""
        match step:
            case BuildStep():
                return not step.added
            case TestStep():
                return step.node in self.request.selected
            case ValidationStep():
                checked = self.plan.by_id.get(StepId(step.node))
                # A suite is selected with its node, as a test is.
                of_named = step.node in self.request.selected or (isinstance(checked, BuildStep) and not checked.added)
                return NodeId(step.id) in self.request.suites_selected or of_named
            case OwnStep():
                return step.node in self.request.steps_selected
            case _:
                return True


def with_needs(graph: Graph, nodes: Iterable[NodeId]) -> list[NodeId]:
    """Return nodes and all their ancestors, including the writers of dbt sources, each after its parents."""
    needs = graph.needs
    named = frozenset(node for node in nodes if node in needs.position)
    wanted = named | needs.ancestors(named)
    return [node for node in needs if node in wanted]  # `needs` is in topological order
