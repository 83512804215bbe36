"""Computes which steps wait for which in a plan, by position, and the longest path from each step to the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The edges of a plan. Each step is identified by its position in the plan."""

    halted_by: tuple[tuple[int, ...], ...]
    """For each step, the steps that are skipped if it halts."""
    freed_by: tuple[tuple[int, ...], ...]
    """For each step, all steps that wait for it to end, in any status: `halted_by` and those that merely follow it."""
    inputs: tuple[int, ...]
    """For each step, the number of steps that it waits for."""
    remaining: tuple[float, ...]
    """For each step, the length of the longest path from its start to the end of the run, in seconds."""


def waits_of(plan: Plan, seconds: Mapping[StepId, float]) -> Waits:
    """Return the edges of a plan; a step without an expected duration counts as one second."""
    position = {step.id: at for at, step in enumerate(plan.steps)}
    if len(position) != len(plan.steps):
        raise ValueError("two steps of the plan have the same id")
    halted_by: list[list[int]] = [[] for _ in plan.steps]
    freed_by: list[list[int]] = [[] for _ in plan.steps]
    inputs = []
    for at, step in enumerate(plan.steps):
        parents = _positions(step, set(step.parents), position)
        others = _positions(step, set(step.after) - set(step.parents), position)
        inputs.append(len(parents) + len(others))
        for parent in parents:
            halted_by[parent].append(at)
        for other in (*parents, *others):
            freed_by[other].append(at)
    weights = [seconds.get(step.id, 1.0) for step in plan.steps]
    return Waits(
        halted_by=tuple(map(tuple, halted_by)),
        freed_by=tuple(map(tuple, freed_by)),
        inputs=tuple(inputs),
        remaining=tuple(_longest_paths(plan, freed_by, weights)),
    )


def _positions(step: Step, ids: set[StepId], position: dict[StepId, int]) -> list[int]:
    unknown = sorted(id_ for id_ in ids if id_ not in position)
    if unknown:
        raise ValueError(f"step {step.id} waits for {', '.join(unknown)}, which the plan does not hold")
    return [position[id_] for id_ in ids]


def _longest_paths(plan: Plan, freed_by: list[list[int]], weights: list[float]) -> list[float]:
    remaining = list(weights)
    try:
        for at in TopologicalSorter(dict(enumerate(freed_by))).static_order():  # from the end of the run
            remaining[at] += max((remaining[child] for child in freed_by[at]), default=0.0)
    except CycleError as error:
        stuck = sorted(set(error.args[1]))
        raise ValueError(
            f"these steps wait for each other in a cycle: {', '.join(plan.steps[at].id for at in stuck[:5])}"
        ) from None
    return remaining
