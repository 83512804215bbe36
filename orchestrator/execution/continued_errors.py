"""Decides whether the end of a model with `on_error: continue` halts the steps that wait for it (pure)."""

from orchestrator.execution.outcome import Outcome
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Step, TestStep


def is_continued(step: Step, outcome: Outcome, blamed: Step | None) -> bool:
    """Return whether the steps that wait for a step run although it ended like this, as in dbt.

    A model continues after its own error, and if one of its own unit tests keeps it from running. Whatever halts it
    from upstream halts its children too. `blamed` is the step that the outcome blames.
    """
    if not (isinstance(step, BuildStep) and step.continues_on_error):
        return False
    by_own_test = isinstance(blamed, TestStep) and blamed.of_model == step.node
    return outcome.status is Status.ERROR or (outcome.status is Status.SKIPPED and by_own_test)
