"""Draws plans with what their steps took in earlier runs."""

from collections.abc import Mapping, Sequence

from orchestrator.estimates.forecast import Forecast, forecast_of
from orchestrator.execution.durations import Durations, StepDuration
from orchestrator.execution.lanes import Limits
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId
from tests.factories import make_plan

REUSED = None


def took(**steps: Sequence[float | None]) -> Durations:
    """Say what steps took, in seconds, the newest run first; None if a step was reused."""
    return Durations(of_steps={StepId(step): durations(values) for step, values in steps.items()})


def durations(values: Sequence[float | None]) -> tuple[StepDuration, ...]:
    return tuple(StepDuration(run_id=f"r{len(values) - at}", seconds=value) for at, value in enumerate(values))


def foreseen(
    plan: Plan | str, steps: Mapping[str, Sequence[float | None]], limits: Limits | None = None
) -> Forecast | None:
    """Say what is expected of a plan."""
    made = make_plan(plan) if isinstance(plan, str) else plan
    return forecast_of(made, limits or Limits(), took(**steps))


def forecast(plan: Plan | str, steps: Mapping[str, Sequence[float | None]], limits: Limits | None = None) -> Forecast:
    found = foreseen(plan, steps, limits)
    assert found is not None
    return found
