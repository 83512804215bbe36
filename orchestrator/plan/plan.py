"""Defines the plan: the immutable steps for one selection, and what was omitted and why."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import Step, StepId

_Kind = TypeVar("_Kind", bound=Step)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A node that the selection matched and the plan does not run."""

    node: NodeId
    reason: str
    """Machine-readable: `parent_not_built`, …"""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps in an order in which every step comes after its parents."""

    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """Notes for the reader of the plan, such as unmatched dlt resources or edges dropped to avoid a cycle."""

    def of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        """Return the steps of one kind."""
        return tuple(step for step in self.steps if isinstance(step, kind))

    @cached_property
    def by_id(self) -> dict[StepId, Step]:
        """All steps by id."""
        return {step.id: step for step in self.steps}
