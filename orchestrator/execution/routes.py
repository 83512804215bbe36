"""Defines the routes of steps: which executor runs a step, which limit it counts towards, and how many run at once.

A further way to run steps, such as a worker on another machine, is one more route before those of the tools, and an
executor of that name (`wiring/runners.py` creates the executors).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from orchestrator.execution.lanes import Lane
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    TestStep,
    ValidationStep,
)


class Tool(StrEnum):
    """The tools that run steps; each has an executor of this name."""

    DBT = "dbt"
    DLT = "dlt"
    GREAT_EXPECTATIONS = "great_expectations"
    LOAD_AGE = "load_age"  # a query of dlt's own record of loads
    OWN_STEPS = "own_steps"  # commands, HTTP calls and Python functions of elt.yml


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way to run some of the steps."""

    executor: str
    lane: Lane
    takes: Callable[[Step], bool]
    """Returns whether the executor can run a step."""
    batch_size: int = 1
    """The maximum number of ready steps that the executor gets in one call. A batch takes one slot of the lane."""


def tool_of(step: Step) -> Tool:
    """Return the tool that runs a step, unless an earlier route takes it."""
    match step:
        case BuildStep() | TestStep() | HookStep():
            return Tool.DBT
        case FreshnessStep():
            return Tool.LOAD_AGE if step.by_load else Tool.DBT
        case IngestStep():
            return Tool.DLT
        case ValidationStep():
            return Tool.GREAT_EXPECTATIONS
        case OwnStep():
            return Tool.OWN_STEPS
        case _:
            assert_never(step)


ROUTES = (
    Route(executor=Tool.DBT, lane=Lane.DBT, takes=lambda step: tool_of(step) is Tool.DBT),
    Route(executor=Tool.DLT, lane=Lane.INGEST, takes=lambda step: tool_of(step) is Tool.DLT),
    Route(
        executor=Tool.GREAT_EXPECTATIONS,
        lane=Lane.VALIDATE,
        takes=lambda step: tool_of(step) is Tool.GREAT_EXPECTATIONS,
    ),
    Route(executor=Tool.LOAD_AGE, lane=Lane.LIGHT, takes=lambda step: tool_of(step) is Tool.LOAD_AGE),
    Route(executor=Tool.OWN_STEPS, lane=Lane.OWN, takes=lambda step: tool_of(step) is Tool.OWN_STEPS),
)
"""The first route that takes a step runs it."""


def route_of(step: Step, routes: Sequence[Route] = ROUTES) -> Route:
    """Return the route of a step; raises ValueError if there is none."""
    for route in routes:
        if route.takes(step):
            return route
    raise ValueError(f"no route takes the step {step.id}")
