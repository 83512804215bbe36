"""Runs the steps that would be reused, and compares the results with what existed before."""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.execution.outcome import Outcome
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Step, StepId


def _nothing(_step: StepId) -> str | None:
    return None


@dataclass(slots=True, kw_only=True)
class ShadowReuse:
    """The steps of one run that would have been reused, and whether that would have been correct."""

    holds: Callable[[StepId], str | None] = _nothing
    """Returns a text that changes with the contents of a step's relation; None if they cannot be read."""
    excused: Callable[[StepId], bool] = lambda _step: False
    """Whether the project declares that a different result of a step does not matter."""
    tell: Callable[[str], None] = lambda _message: None
    wrong: dict[StepId, str] = field(default_factory=dict)
    """The steps that would have been reused wrongly, each with the difference."""
    right: set[StepId] = field(default_factory=set)
    unread: set[StepId] = field(default_factory=set)
    """The steps that could not be compared."""
    _expected: dict[StepId, tuple[Step, Outcome, str | None]] = field(default_factory=dict)

    def expect(self, step: Step, reused: Outcome) -> None:
        """Record how a step would have ended without running, and what its relation contains."""
        before = self.holds(step.id) if isinstance(step, BuildStep) else None
        self._expected[step.id] = (step, reused, before)

    def compare(self, outcome: Outcome) -> bool:
        """Return whether a step that ran ended as it would have been reused, with the same rows."""
        if outcome.step_id not in self._expected:
            return False
        step, reused, before = self._expected.pop(outcome.step_id)
        expected = Status.WARN if reused.warns else Status.SUCCESS
        # An interrupted step shows nothing about what it would have left.
        if outcome.status is Status.CANCELLED:
            return False
        if self.excused(step.id):
            self.right.add(step.id)
            return True
        if outcome.status is not expected:
            return self._differs(step, reused, f"it ends as {outcome.status.value} now, not as {expected.value}")
        if isinstance(step, BuildStep) and step.materialized != "ephemeral":
            after = self.holds(step.id)
            # Not counted as right: what cannot be read proves nothing.
            if before is None or after is None:
                self.unread.add(step.id)
                return False
            if before != after:
                return self._differs(step, reused, "its rows, columns or definition are different now")
        self.right.add(step.id)
        return True

    def _differs(self, step: Step, reused: Outcome, how: str) -> bool:
        self.wrong[step.id] = how
        self.tell(f"{step.name} ({step.path}) would have been reused {reused.message}, and that would be wrong: {how}.")
        return False

    def summary(self, steps: int) -> str:
        """Summarize what would have been reused, out of `steps` steps."""
        would = len(self.right) + len(self.wrong) + len(self.unread)
        unread = f", {len(self.unread):,} could not be compared" if self.unread else ""
        rightly = f"{len(self.right):,} rightly, {len(self.wrong):,} wrongly{unread}"
        return f"{would:,} of {steps:,} steps would have been reused: {rightly}"
