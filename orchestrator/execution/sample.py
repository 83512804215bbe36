"""Draws which of the reused steps of a run are verified. Pure, and repeatable for the same run."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from orchestrator.errors import UnsupportedWarehouseError
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.nodes.abilities import Ability, has
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, StepId
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.verifiable import Verifiable
from orchestrator.wording import count

_EXACT = 9
"""The decimals of a share that count: 5 % of 100 is 5, although the float is slightly larger."""


def drawn(steps: Collection[StepId], share: float, run_id: str) -> frozenset[StepId]:
    """Draw this share of the steps, rounded up, by the id of the run; a larger share draws the same steps and more."""
    # The id of the run decides: other runs verify other steps, and a resumed run verifies the same ones.
    in_order = sorted(steps, key=lambda step: digest_of([run_id, step]))
    return frozenset(in_order[: math.ceil(round(share * len(in_order), _EXACT))])


@dataclass(slots=True, kw_only=True)
class Sample:
    """The steps of one run that are verified if they are reused.

    A drawn step may still have to run. To make sure that a run that reuses something also verifies something, the
    first reused step is taken as well if none of the drawn steps is certain to be reused.
    """

    candidates: frozenset[StepId] = frozenset()
    drawn: frozenset[StepId] = frozenset()
    is_certain: bool = False
    """Whether one of the drawn steps is certain to be reused."""
    _taken: set[StepId] = field(default_factory=set)

    @classmethod
    def of(cls, candidates: Iterable[Step], share: float, run_id: str) -> "Sample":
        """Draw from the steps that may be reused."""
        acts = {step.id: step.decision.act for step in candidates if step.decision is not None}
        found = drawn(acts, share, run_id)
        return cls(
            candidates=frozenset(acts) if found else frozenset(),
            drawn=found,
            is_certain=any(acts[step] is Act.REUSE for step in found),
        )

    def takes(self, step: StepId) -> bool:
        """Return whether to verify a step that is reused now."""
        is_first = not self._taken and not self.is_certain and step in self.candidates
        if step not in self.drawn and not is_first:
            return False
        self._taken.add(step)
        return True

    def heard(self, outcome: Outcome) -> None:
        """Record whether the step was verified, also before the run was resumed."""
        if outcome.reason.code in {ReasonCode.VERIFIED, ReasonCode.DIFFERS}:
            self._taken.add(outcome.step_id)


def noted_sample(plan: Plan, verifiable: Verifiable, share: float) -> Plan:
    """Return the plan with a note of how many steps are verified, if any."""
    steps = verifiable.among(plan)
    number = len(drawn([step.id for step in steps], share, ""))
    if not number:
        return plan
    note = f"verified: {number:,} of {count(len(steps), 'relation')} that may be reused, drawn by the id of the run"
    return replace(plan, notes=(*plan.notes, note))


def sample_of(plan: Plan, verifiable: Verifiable, share: float, run_id: str) -> Sample:
    """Draw the steps of a run that are verified; raises UsageError if the target does not support it."""
    steps = verifiable.among(plan) if share else []
    target = verifiable.snapshot.target
    if steps and not has(target, Ability.SHADOW_BUILDS):
        raise UnsupportedWarehouseError(
            f"Reuse cannot be verified in the target {target.name}: that needs a DuckDB file or a PostgreSQL database.",
            hint="Omit --verify-reuse, and remove `verify_reuse` from elt.yml.",
        )
    return Sample.of(steps, share, run_id)
