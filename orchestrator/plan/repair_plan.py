"""Plans a retry: the steps that did not succeed in a run, and upstream steps that have changed since."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from orchestrator.graph.dag import Dag
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.carve import carve
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import (
    BuildStep,
    Cause,
    HookStep,
    Step,
    StepId,
    TestStep,
    Why,
    is_check,
    is_hook,
    node_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedRuns:
    """How the steps of a run ended."""

    all: frozenset[StepId]
    """Every step of that run; those in neither of the sets below were skipped, cancelled, or never ended."""
    failed: frozenset[StepId]
    """The steps that ended as fail or error."""
    well: frozenset[StepId]
    gone: frozenset[StepId] = frozenset()
    """The successful builds whose relations no longer exist."""
    continued: frozenset[StepId] = frozenset()
    """The models that had `on_error: continue` in that run: what was built after an error of one read older rows."""


def repair(plan: Plan, past: RepairedRuns, changed: AbstractSet[NodeId]) -> Plan:
    """Return the part of today's plan of a run that repairs it.

    It contains the steps that did not succeed; upstream of them, the builds that have changed, are gone, or were not
    planned before, and the steps in between; the checks of all rebuilt nodes; and the hooks if dbt builds or tests
    anything.
    """
    kept = _Repair(plan, past, changed).causes()
    if any(node_of(plan.by_id[step_id]) for step_id in kept):  # dbt runs hooks with nodes only
        kept |= {step.id: step.cause for step in plan.of(HookStep)}
    return carve(plan, kept)


@dataclass(slots=True)
class _Repair:
    """Collects the steps of the repair."""

    plan: Plan
    past: RepairedRuns
    changed: AbstractSet[NodeId]
    kept: dict[StepId, Cause] = field(default_factory=dict)

    def causes(self) -> dict[StepId, Cause]:
        """Return the cause of each step of the repair."""
        self.take_unsuccessful_steps()
        self.take_continued_steps()
        self.take_steps_between()
        self.take_checks()
        return self.kept

    def take_unsuccessful_steps(self) -> None:
        for step in self.plan.steps:
            if is_hook(step):
                continue
            if step.id in self.past.failed:
                self.kept[step.id] = Cause(why=Why.FAILED)
            elif step.id in self.past.all - self.past.well:
                self.kept[step.id] = Cause(why=Why.HALTED)

    def take_continued_steps(self) -> None:
        """Add what was built after a model with `on_error: continue` had not succeeded: it read older rows."""
        failed = self.kept.keys() & self.past.continued
        if not failed:
            return
        order = Dag((step.id for step in self.plan.steps), _edges(self.plan))
        for step_id in order.descendants(failed) - self.kept.keys():
            if isinstance(self.plan.by_id[step_id], BuildStep):  # checks are added by take_checks
                first = min(order.ancestors([step_id]) & failed, key=order.position.__getitem__)
                self.kept[step_id] = Cause(why=Why.FOLLOWS, of=node_of(self.plan.by_id[first]))

    def take_steps_between(self) -> None:
        # Only `parents`: what merely comes before a step need not run again for it.
        order = Dag((step.id for step in self.plan.steps), _edges(self.plan))
        # What is upstream and unchanged is kept as it is, unless it is between something changed and a step to repair.
        above = order.ancestors(self.kept) - self.kept.keys()
        begins = {step_id: self.plan.by_id[step_id] for step_id in above if self._begins(self.plan.by_id[step_id])}
        for step_id, step in begins.items():
            is_new = step_id not in self.past.all  # today's plan says why it is there
            why = Why.CHANGED if self._is_changed(step) else Why.GONE
            self.kept[step_id] = step.cause if is_new else Cause(why=why)
        for step_id in order.descendants(begins) & above - begins.keys():
            if is_check(self.plan.by_id[step_id]):
                continue  # added by take_checks, if the node that it checks is rebuilt
            first = min(order.ancestors([step_id]) & begins.keys(), key=order.position.__getitem__)
            self.kept[step_id] = Cause(why=Why.FOLLOWS, of=node_of(self.plan.by_id[first]))

    def _begins(self, step: Step) -> bool:
        """Return whether the step itself must run again: it changed, is gone, or was not planned before."""
        if step.id not in self.past.all:
            return not is_hook(step)
        return step.id in self.past.gone or self._is_changed(step)

    def _is_changed(self, step: Step) -> bool:
        return node_of(step) in self.changed

    def take_checks(self) -> None:
        """Add the checks of rebuilt nodes, but unit tests only if the model itself has changed."""
        built = {step_id for step_id in self.kept if isinstance(self.plan.by_id[step_id], BuildStep)}
        again = {step_id for step_id in built if self.kept[step_id].why is Why.CHANGED}
        # Unit tests run before their model, so they are among its parents.
        before = {parent: step_id for step_id in again for parent in self.plan.by_id[step_id].parents}
        for step in self.plan.steps:
            if step.id in self.kept or not is_check(step):
                continue
            checked = next((parent for parent in step.parents if parent in built), None)
            if checked is None and isinstance(step, TestStep) and _is_unit_test(step):
                checked = before.get(step.id)
            if checked is not None:
                self.kept[step.id] = Cause(why=Why.CHECKS, of=node_of(self.plan.by_id[checked]))


def _edges(plan: Plan) -> Iterator[tuple[StepId, StepId]]:
    """Yield the edges by which a step halts others."""
    yield from ((parent, step.id) for step in plan.steps for parent in step.parents)


def _is_unit_test(step: TestStep) -> bool:
    return step.node.startswith("unit_test.")
