"""Cuts a smaller plan out of a plan, and keeps the order and the halting rules between the remaining steps."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.graph.dag import Dag
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Cause, StepId


def carve(plan: Plan, keep: Mapping[StepId, Cause]) -> Plan:
    """Return a plan of the steps in `keep` only, with the given causes.

    Where one of them waited for another through dropped steps, it now waits for it directly.
    """
    ids = [step.id for step in plan.steps]
    # Two graphs: a path that contains an edge of order only must not halt what is below it.
    halting = [(parent, step.id) for step in plan.steps for parent in step.parents]
    order = [*halting, *((other, step.id) for step in plan.steps for other in step.after)]
    halts, waits = Dag(ids, halting).contract(keep), Dag(ids, order).contract(keep)
    steps = []
    for step in plan.steps:
        if step.id in keep:
            parents = halts.parents(step.id)
            after = tuple(other for other in waits.parents(step.id) if other not in parents)
            steps.append(replace(step, parents=parents, after=after, cause=keep[step.id]))
    return replace(plan, steps=tuple(steps))
