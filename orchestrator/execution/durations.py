"""Defines what the record says about how long steps and runs took."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId

COMPLETE = frozenset({Status.SUCCESS, Status.WARN, Status.NO_DATA, Status.FAIL})
"""The statuses of attempts that did all of their work; a check that did not pass took as long as one that did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDuration:
    """How long a step took in one run."""

    run_id: str
    seconds: float | None
    """Of its complete attempt alone, without those that were repeated; None if the step was reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdges:
    """How long a run took while no step was in progress: before the first one and after the last one."""

    before: float | None
    """Seconds from the start of the process to the record of the run: imports, parse, waits. None if not known."""
    opening: float
    """Seconds from the record of the run to its first step."""
    closing: float
    """Seconds from the end of the last step to the end of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """What the last runs in a target took."""

    of_steps: Mapping[StepId, tuple[StepDuration, ...]] = field(default_factory=dict)
    """Newest first, for the steps that were run or reused at their present places."""
    of_runs: tuple[RunEdges, ...] = ()
    """Newest first."""
