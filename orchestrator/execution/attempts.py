"""Keeps the time of a run: when a step is repeated, and when an attempt or the whole run exceeds its time limit."""

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
    """The repeat policies and the time limits of a run."""

    policies: Mapping[StepId, RepeatPolicy] = field(default_factory=dict)
    """A step without an entry gets one attempt, without a time limit."""
    run_limit: timedelta | None = None
    chance: Callable[[], float] = random.random
    """Returns a random number from 0 to 1."""
    seconds: Callable[[], float] = time.monotonic
    """A monotonic clock: limits and waits do not jump when the time of day is changed."""

    def of(self, step_id: StepId) -> RepeatPolicy:
        """Return the policy of a step."""
        return self.policies.get(step_id, NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A step is repeated after a wait."""

    wait: timedelta
    attempt: int
    """The number in the run of the attempt that ended."""
    most: int
    """The number of the last attempt that the policy allows."""


class Attempts:
    """The attempts of one run; `patience` is how long an interrupted attempt may take to end.

    `before` counts the attempts made before the run was resumed. They do not count towards the limit of the policy.
    """

    def __init__(self, rules: AttemptRules, patience: timedelta, before: Mapping[StepId, int] | None = None) -> None:
        self._rules = rules
        self._before = before or {}
        self._patience = patience.total_seconds()
        self._begun = rules.seconds()
        self._attempts: dict[StepId, int] = {}
        self._started: dict[StepId, float] = {}  # start time of the last attempt of each step
        self._limits: dict[StepId, float] = {}  # when each running attempt reaches its limit
        self._over: dict[StepId, float] = {}  # when each attempt that exceeded its limit was interrupted
        self._due: dict[StepId, float] = {}  # when each waiting step is repeated

    @property
    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return self._rules.seconds()

    def start(self, step_id: StepId) -> int:
        """Record that an attempt starts, and return its number in the run."""
        self._attempts[step_id] = self._attempts.get(step_id, 0) + 1
        now = self._started[step_id] = self.now
        limit = self._rules.of(step_id).time_limit
        if limit is not None:
            self._limits[step_id] = now + limit.total_seconds()
        return self._before.get(step_id, 0) + self._attempts[step_id]

    def elapsed(self, step_id: StepId) -> timedelta:
        """Return the time since the last attempt of a step started."""
        return timedelta(seconds=self.now - self._started[step_id])

    def end(self, outcome: Outcome) -> Outcome:
        """Record that an attempt ended, and return its outcome: an error if it was ended at its time limit."""
        self._limits.pop(outcome.step_id, None)
        limit = self._rules.of(outcome.step_id).time_limit
        if self._over.pop(outcome.step_id, None) is None or limit is None:
            return outcome
        return ended_at_limit(outcome, limit)

    def repeat(self, outcome: Outcome) -> Again | None:
        """Return when to repeat the step of an attempt that ended; None if it is not repeated."""
        step_id = outcome.step_id
        policy, attempts = self._rules.of(step_id), self._attempts.get(step_id, 0)
        if not is_repeated(outcome, policy, attempts):
            return None
        wait = delay(policy, attempts, self._rules.chance())
        self._due[step_id] = self.now + wait.total_seconds()
        before = self._before.get(step_id, 0)
        return Again(wait=wait, attempt=before + attempts, most=before + policy.most)

    def take_due(self) -> list[StepId]:
        """Return the steps whose wait is over, each once."""
        due = [step_id for step_id, at in self._due.items() if at <= self.now]
        for step_id in due:
            del self._due[step_id]
        return due

    def take_over(self) -> list[StepId]:
        """Return the steps whose attempt exceeded its time limit, each once."""
        now = self.now
        over = [step_id for step_id, at in self._limits.items() if at <= now]
        for step_id in over:
            del self._limits[step_id]
            # The step still runs: it ends when its interruption takes effect, or as lost when `patience` is over.
            self._over[step_id] = now
        return over

    def take_lost(self) -> list[Outcome]:
        """Return outcomes for attempts that exceeded their limit and did not end after they were interrupted."""
        lost = [step_id for step_id, since in self._over.items() if self.now - since >= self._patience]
        # `end` turns these outcomes into errors at the time limit.
        return [self.end(Outcome(step_id=step_id, status=Status.CANCELLED)) for step_id in lost]

    def run_is_over(self) -> bool:
        """Return whether the run exceeded its time limit."""
        limit = self._rules.run_limit
        return limit is not None and self.now - self._begun >= limit.total_seconds()
