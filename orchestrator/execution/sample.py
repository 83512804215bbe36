"""Draws which of the steps that are reused in a run are verified: pure, and the same for the same run."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.plan.decision import Act
from orchestrator.plan.step import Step, StepId
from orchestrator.reuse.fingerprints.digest import digest_of

_EXACT = 9
"""Decimals of a share of a number that count: 5 % of 100 are 5, though a float says a little more."""


def drawn(steps: Collection[StepId], share: float, run_id: str) -> frozenset[StepId]:
    """Draw this share of the steps, rounded up, by the run's id; a larger share draws the same ones and more."""
    in_order = sorted(steps, key=lambda step: digest_of([run_id, step]))
    return frozenset(in_order[: math.ceil(round(share * len(in_order), _EXACT))])


@dataclass(slots=True, kw_only=True)
class Sample:
    """The steps of one run that are verified where they are reused.

    Some of those that were drawn may yet turn out to run. So that a run that reuses something verifies something, the
    first step that is reused is taken too where none of the drawn ones is reused for certain.
    """

    candidates: frozenset[StepId] = frozenset()
    drawn: frozenset[StepId] = frozenset()
    is_certain: bool = False
    """Whether one of those drawn is reused for certain."""
    _taken: set[StepId] = field(default_factory=set)

    @classmethod
    def of(cls, candidates: Iterable[Step], share: float, run_id: str) -> "Sample":
        """Draw from steps that may be reused."""
        acts = {step.id: step.decision.act for step in candidates if step.decision is not None}
        found = drawn(acts, share, run_id)
        return cls(
            candidates=frozenset(acts) if found else frozenset(),
            drawn=found,
            is_certain=any(acts[step] is Act.REUSE for step in found),
        )

    def takes(self, step: StepId) -> bool:
        """Say whether a step that is reused now is to be verified."""
        is_first = not self._taken and not self.is_certain and step in self.candidates
        if step not in self.drawn and not is_first:
            return False
        self._taken.add(step)
        return True

    def heard(self, outcome: Outcome) -> None:
        """Take note of what was verified, also in an earlier sitting of the run."""
        if outcome.reason.code in {ReasonCode.VERIFIED, ReasonCode.DIFFERS}:
            self._taken.add(outcome.step_id)
