"""Keeps the times of a run: when a step is tried again, when a try is over its limit, and when the whole run is."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.execution.outcome import Outcome
from orchestrator.execution.repeats import NEVER, RepeatPolicy, delay, ended_at_limit, is_repeated
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRules:
    """How often and how long the steps of a run are tried."""

    policies: Mapping[StepId, RepeatPolicy] = field(default_factory=dict)
    """Steps that are not named have one try, however long it takes."""
    run_limit: timedelta | None = None
    chance: Callable[[], float] = random.random
    """Gives numbers from 0 to 1."""
    seconds: Callable[[], float] = time.monotonic
    """A clock that nobody sets: limits and waits do not jump with the time of day."""

    def of(self, step_id: StepId) -> RepeatPolicy:
        """Give the policy of a step."""
        return self.policies.get(step_id, NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A step is tried again after a wait."""

    wait: timedelta
    attempt: int
    """Which try it was that ended."""
    most: int


class Attempts:
    """The tries of one run; `patience` is how long an interrupted try may take to end.

    `before` counts the tries of an earlier sitting of the run: they are over and use up none of the policy's.
    """

    def __init__(self, rules: AttemptRules, patience: timedelta, before: Mapping[StepId, int] | None = None) -> None:
        self._rules = rules
        self._before = before or {}
        self._patience = patience.total_seconds()
        self._begun = rules.seconds()
        self._tries: dict[StepId, int] = {}
        self._started: dict[StepId, float] = {}  # the last try of each
        self._limits: dict[StepId, float] = {}  # of the tries that run: when each is over its limit
        self._over: dict[StepId, float] = {}  # of those that are: since when
        self._due: dict[StepId, float] = {}  # of the steps that wait: when each is tried again

    @property
    def now(self) -> float:
        """Seconds on the clock that nobody sets."""
        return self._rules.seconds()

    def start(self, step_id: StepId) -> int:
        """Note that a try starts, and give which one of the run it is."""
        self._tries[step_id] = self._tries.get(step_id, 0) + 1
        now = self._started[step_id] = self.now
        limit = self._rules.of(step_id).time_limit
        if limit is not None:
            self._limits[step_id] = now + limit.total_seconds()
        return self._before.get(step_id, 0) + self._tries[step_id]

    def elapsed(self, step_id: StepId) -> timedelta:
        """Say how long ago the last try of a step started."""
        return timedelta(seconds=self.now - self._started[step_id])

    def end(self, outcome: Outcome) -> Outcome:
        """Note that a try has ended, and give what became of it: an error when it was ended at its limit."""
        self._limits.pop(outcome.step_id, None)
        limit = self._rules.of(outcome.step_id).time_limit
        if self._over.pop(outcome.step_id, None) is None or limit is None:
            return outcome
        return ended_at_limit(outcome, limit)

    def repeat(self, outcome: Outcome) -> Again | None:
        """Say when the step of a try that has ended is tried again; None when it is not."""
        step_id = outcome.step_id
        policy, tries = self._rules.of(step_id), self._tries.get(step_id, 0)
        if not is_repeated(outcome, policy, tries):
            return None
        wait = delay(policy, tries, self._rules.chance())
        self._due[step_id] = self.now + wait.total_seconds()
        return Again(wait=wait, attempt=tries, most=policy.most)

    def take_due(self) -> list[StepId]:
        """Give the steps whose wait is over, each once."""
        due = [step_id for step_id, at in self._due.items() if at <= self.now]
        for step_id in due:
            del self._due[step_id]
        return due

    def take_over(self) -> list[StepId]:
        """Give the steps whose try is over its limit, each once."""
        now = self.now
        over = [step_id for step_id, at in self._limits.items() if at <= now]
        for step_id in over:
            del self._limits[step_id]
            self._over[step_id] = now
        return over

    def take_lost(self) -> list[Outcome]:
        """Give what became of the tries that were over their limit and did not end when they were interrupted."""
        lost = [step_id for step_id, since in self._over.items() if self.now - since >= self._patience]
        return [self.end(Outcome(step_id=step_id, status=Status.CANCELLED)) for step_id in lost]

    def run_is_over(self) -> bool:
        """Whether the whole run is over its limit."""
        limit = self._rules.run_limit
        return limit is not None and self.now - self._begun >= limit.total_seconds()
