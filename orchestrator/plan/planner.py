"""Makes a plan from the graph, a request and the existing relations. Pure, and deterministic."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from orchestrator.graph.build import Graph
from orchestrator.graph.dag import Dag
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.existing_relations import Facts
from orchestrator.plan.make_steps import hook_step, steps_of
from orchestrator.plan.members import members_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.request import PlanRequest, Verb
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
)


def make_plan(graph: Graph, request: PlanRequest, facts: Facts) -> Plan:
    """Return the plan; each of its steps comes after all steps that it waits for."""
    members = members_of(graph, request, facts)
    order = graph.order.contract(members.all())
    by_node = steps_of(graph, members)
    alone = request.verb in {Verb.TEST, Verb.FRESHNESS}  # nothing is built, so no check has to wait for another step
    steps = _joined(order, by_node, alone=alone)
    steps = _loads_one_by_one(steps)
    steps = _with_hooks(graph, steps, request)
    return Plan(
        steps=tuple(_in_order(steps)),
        left_out=tuple(members.left_out),
        notes=(*graph.notes, *members.notes),
    )


def _joined(order: Dag[NodeId], by_node: Mapping[NodeId, Step], *, alone: bool) -> dict[StepId, Step]:
    """Return the steps with their parents: the nearest members above their nodes."""
    parents: dict[StepId, dict[StepId, None]] = {}
    steps: dict[StepId, Step] = {}
    for node in order:
        step = by_node[node]
        steps[step.id] = step
        found = parents.setdefault(step.id, {})
        if not alone:
            found.update((by_node[parent].id, None) for parent in order.parents(node))
    return {step_id: replace(step, parents=tuple(parents[step_id])) for step_id, step in steps.items()}


def _loads_one_by_one(steps: dict[StepId, Step]) -> dict[StepId, Step]:
    """Return the steps with loads of the same dlt pipeline one after another, because they share its working folder."""
    last: dict[str, StepId] = {}
    found = dict(steps)
    for step_id, step in steps.items():
        if isinstance(step, IngestStep):
            if step.pipeline in last:
                # `after` and not `parents`: a load that failed must not halt the next one.
                found[step_id] = replace(step, after=(last[step.pipeline],))
            last[step.pipeline] = step_id
    return found


def _with_hooks(graph: Graph, steps: dict[StepId, Step], request: PlanRequest) -> dict[StepId, Step]:
    """Return the steps with the on-run-start hooks before all dbt steps, and the on-run-end hooks after them."""
    of_dbt = [step_id for step_id, step in steps.items() if _has_hooks_around_it(step, request)]
    start, end = hook_step(graph, "start"), hook_step(graph, "end")
    found = dict(steps)
    if of_dbt and start is not None:
        for step_id in _without_parents_in(of_dbt, steps):  # all others wait for one of these
            found[step_id] = _after_start(steps[step_id], start, halting=request.skip_nodes_if_on_run_start_fails)
        loads = [step_id for step_id, step in steps.items() if isinstance(step, IngestStep)]
        found = {start.id: replace(start, after=tuple(loads) if request.hooks_after_ingest else ()), **found}
    if of_dbt and end is not None:
        first = (start.id,) if start is not None else ()
        found[end.id] = replace(end, after=(*first, *of_dbt))  # `after`, not parents: it runs after failures too
    return found


def _has_hooks_around_it(step: Step, request: PlanRequest) -> bool:
    match step:
        case BuildStep() | TestStep():
            return True
        case FreshnessStep():
            return request.verb is Verb.FRESHNESS and request.freshness_runs_hooks and not step.by_load
        case IngestStep() | ValidationStep() | HookStep() | OwnStep():
            return False
        case _:
            assert_never(step)


def _without_parents_in(of_dbt: list[StepId], steps: Mapping[StepId, Step]) -> Iterator[StepId]:
    among = frozenset(of_dbt)
    return (step_id for step_id in of_dbt if among.isdisjoint(steps[step_id].parents))


def _after_start(step: Step, start: HookStep, *, halting: bool) -> Step:
    # dbt's flag skip_nodes_if_on_run_start_fails decides whether a hook that did not succeed halts the nodes.
    if halting:
        return replace(step, parents=(start.id, *step.parents))
    return replace(step, after=(start.id, *step.after))


def _in_order(steps: Mapping[StepId, Step]) -> Iterator[Step]:
    edges = ((other, step.id) for step in steps.values() for other in (*step.parents, *step.after))
    return (steps[step_id] for step_id in Dag(steps, edges))
