"""Builds the comparison of a run's results with what would have been reused."""

from orchestrator.execution.events import NoticeKind
from orchestrator.execution.shadow import ShadowReuse
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import content_text
from orchestrator.reuse.fingerprints.config_keys import declared_volatile
from orchestrator.reuse.target_facts import TargetFacts
from orchestrator.wiring.open_project import OpenProject


def shadow_of(project: OpenProject, facts: TargetFacts) -> ShadowReuse:
    """Return the object that compares the results of steps that would have been reused with the previous results."""
    nodes, inbox = project.graph.manifest.nodes, project.inbox

    def holds(step: StepId) -> str | None:
        node = nodes.get(NodeId(step))
        if node is None or node.placed is None:
            return None
        content = facts.contents([node.placed]).get(node.placed)
        return None if content is None or content.why_not else content_text(content)

    def excused(step: StepId) -> bool:
        node = nodes.get(NodeId(step))
        return node is not None and declared_volatile(node.definition.config) is False

    return ShadowReuse(holds=holds, excused=excused, tell=lambda message: inbox.post(NoticeKind.WARNING, message))
