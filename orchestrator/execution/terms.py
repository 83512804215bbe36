"""Defines the settings of one run that its caller chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.lanes import Limits
from orchestrator.execution.load_rules import LoadRules
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import AllRun, Reuse
from orchestrator.execution.routes import ROUTES, Route
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.step import StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """The settings of one run."""

    run_id: str
    database: str
    """The database that the run writes to, as shown to the user."""
    limits: Limits = field(default_factory=Limits)
    routes: Sequence[Route] = ROUTES
    fail_fast: bool = False
    loads: LoadRules = field(default_factory=LoadRules)
    """What follows from the rows that loads bring."""
    grace: timedelta = timedelta()
    """How long a stopped run lets running steps continue before it interrupts them."""
    patience: timedelta = timedelta(seconds=5)
    """How long to wait for a step that was interrupted."""
    attempts: AttemptRules = field(default_factory=AttemptRules)
    expected_seconds: Mapping[StepId, float] = field(default_factory=dict)
    """What the steps are expected to take: of those that can start, the one with the longest path after it does."""
    estimate: Estimate | None = None
    """How long the run takes, for the first event."""
    settled: tuple[Outcome, ...] | None = None
    """Of a resumed run: the outcomes of the steps that need not run again, in the order of the plan."""
    found: tuple[Outcome, ...] = ()
    """Of a resumed run: outcomes that were not recorded and were recovered; they are recorded and reported first."""
    tried: Mapping[StepId, int] = field(default_factory=dict)
    """Of a resumed run: the number of recorded attempts of each step."""
    reuse: Reuse = field(default_factory=AllRun)
    """Asked about each step when all of its parents have ended."""
