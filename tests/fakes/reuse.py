"""What decides in a run what need not run, told beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Verify
from orchestrator.plan.status import Status
from orchestrator.plan.step import Step, StepId
from orchestrator.reuse.last_success import Mark, RecordedFingerprint


@dataclass
class FakeReuse:
    """Gives the outcomes that it was told, and notes in which order it was asked and told of what."""

    gives: Mapping[str, Outcome] = field(default_factory=dict)
    marks: Callable[[StepId], Mark | None] = lambda _step_id: None
    verified: Mapping[str, Verify] = field(default_factory=dict)
    prints: Mapping[str, RecordedFingerprint] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def when_ready(self, step: Step) -> Outcome | None:
        """Give what it was told of the step."""
        self.lines.append(f"turn of {step.id}")
        return self.gives.get(step.id)

    def heard(self, outcome: Outcome) -> None:
        """Note it."""
        self.lines.append(f"{outcome.step_id} {outcome.status}")

    def mark(self, step_id: StepId) -> Mark | None:
        """Give the mark that it was told."""
        return self.marks(step_id)

    def verifies(self, step_id: StepId) -> Verify | None:
        """Say what it was told to verify."""
        return self.verified.get(step_id)

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Give the fingerprint that it was told."""
        return self.prints.get(outcome.step_id)


def reused(step: str, word: str = "success") -> Outcome:
    """Make the outcome of a step that is reused."""
    reason = Reason(code=ReasonCode.UNCHANGED)
    return Outcome(step_id=StepId(step), status=Status.REUSED, tool_word=word, reason=reason)
