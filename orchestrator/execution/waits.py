"""Computes which steps wait for which in a plan, by position, and how urgent each is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, StepId


class Urgency(NamedTuple):
    """Orders the steps that can start: the smaller one starts first."""

    priority: int
    """The negative of the highest priority that was given to the step, or to a step that waits for it."""
    remaining: float
    """The negative length of the longest path from the start of the step to the end of the run, in seconds."""
    position: int
    """Breaks ties, so that the same calls start steps in the same order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The edges of a plan. Each step is identified by its position in the plan."""

    halted_by: tuple[tuple[int, ...], ...]
    """For each step, the steps that are skipped if it halts."""
    freed_by: tuple[tuple[int, ...], ...]
    """For each step, all steps that wait for it to end, in any status: `halted_by` and those that merely follow it."""
    inputs: tuple[int, ...]
    """For each step, the number of steps that it waits for."""
    urgency: tuple[Urgency, ...]


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
    return Waits(
        halted_by=tuple(map(tuple, halted_by)),
        freed_by=tuple(map(tuple, freed_by)),
        inputs=tuple(inputs),
        urgency=_urgency(plan, freed_by, seconds),
    )


def _positions(step: Step, ids: set[StepId], position: dict[StepId, int]) -> list[int]:
    unknown = sorted(id_ for id_ in ids if id_ not in position)
    if unknown:
        raise ValueError(f"step {step.id} waits for {', '.join(unknown)}, which the plan does not hold")
    return [position[id_] for id_ in ids]


def _urgency(plan: Plan, freed_by: list[list[int]], seconds: Mapping[StepId, float]) -> tuple[Urgency, ...]:
    remaining = [seconds.get(step.id, 1.0) for step in plan.steps]
    priorities = [step.priority for step in plan.steps]
    for at in _from_the_end(plan, freed_by):
        remaining[at] += max((remaining[child] for child in freed_by[at]), default=0.0)
        # What an urgent step waits for is as urgent. A step without a priority does not lower that of another one.
        given = (priorities[one] for one in (at, *freed_by[at]))
        priorities[at] = max((one for one in given if one is not None), default=None)
    return tuple(
        Urgency(priority=-(priority or 0), remaining=-path, position=at)
        for at, (priority, path) in enumerate(zip(priorities, remaining, strict=True))
    )


def _from_the_end(plan: Plan, freed_by: list[list[int]]) -> Iterator[int]:
    """Yield the position of each step after those of all steps that wait for it."""
    try:
        yield from TopologicalSorter(dict(enumerate(freed_by))).static_order()
    except CycleError as error:
        stuck = sorted(set(error.args[1]))
        raise ValueError(
            f"these steps wait for each other in a cycle: {', '.join(plan.steps[at].id for at in stuck[:5])}"
        ) from None
