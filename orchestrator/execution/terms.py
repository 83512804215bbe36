"""How a run goes on and what it is called, as whoever starts it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import AllRun, Reuse
from orchestrator.plan.step import StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """How a run goes on and what it is called."""

    run_id: str
    database: str
    """What the run writes to, as the user should read it."""
    limits: Limits = field(default_factory=Limits)
    fail_fast: bool = False
    skip_without_news: bool = False
    """Whether what is downstream of a load without new rows is skipped."""
    grace: timedelta = timedelta()
    """How long a stopped run lets what runs go on before it interrupts it."""
    patience: timedelta = timedelta(seconds=5)
    """How long a step that was interrupted is waited for."""
    attempts: AttemptRules = field(default_factory=AttemptRules)
    expected_seconds: Mapping[StepId, float] = field(default_factory=dict)
    settled: tuple[Outcome, ...] | None = None
    """Of a run that goes on: how the steps ended that need not run again, in the plan's order."""
    found: tuple[Outcome, ...] = ()
    """Of a run that goes on: how further steps ended, of which nothing was recorded; told and recorded first."""
    tried: Mapping[StepId, int] = field(default_factory=dict)
    """Of a run that goes on: how many tries of each step are recorded."""
    reuse: Reuse = field(default_factory=AllRun)
    """Asked when a step's turn comes, all of whose parents have ended."""
