"""The plan: immutable steps for one selection, and what was left out and why."""

from dataclasses import dataclass
from functools import cached_property

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import Step, StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A node that the selection matched and the plan does not run."""

    node: NodeId
    reason: str
    """Machine-readable: `parent_not_built`, …"""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps in an order in which every step stands after its parents."""

    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader of the plan should know: unmatched dlt resources, edges dropped to avoid a cycle."""

    @cached_property
    def by_id(self) -> dict[StepId, Step]:
        """Every step by its id."""
        return {step.id: step for step in self.steps}
