"""Decides for each step before a run: it runs, it is reused, or the decision waits until its parents have finished."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.decision import Act, Decision, unconfirmed
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import reason_of
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
from orchestrator.reuse.evaluated_project import Evaluation
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.fingerprints.compare import ComparisonVerdict
from orchestrator.reuse.fingerprints.result_identity import Nature, columns_in, nature_of
from orchestrator.reuse.freshness_policy import for_what_it_waits
from orchestrator.reuse.reasons import why_unknown

NOT_UNDERSTOOD = "not understood: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options of the user leave to be decided."""

    may_reuse: Callable[[Step], bool]
    """Whether a step may be reused. A step that the user named runs, unless an option says otherwise."""
    closed: Mapping[StepId, StepId] = field(default_factory=dict)
    """Steps below a check that failed or errored last time and is not in this run, each with that check."""
    fed: AbstractSet[NodeId] = frozenset()
    """dbt sources that the run loads, or whose newest rows it checks."""
    keeps_hooks: bool = False
    """Whether the on-run-start hooks may change what nodes read. They then run even if every step is reused."""
    may_verify: Callable[[Step], bool] = lambda _step: False
    """Whether a step may be verified if it is reused. dbt is then needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedPlan:
    """A plan with its decisions, and the evaluator that made them."""

    plan: Plan
    evaluator: Evaluator | None = None
    """None if there was nothing to decide."""


def decide_plan(plan: Plan, evaluator: Evaluator, wishes: Wishes) -> Plan:
    """Return the plan with a decision on each step, without hooks if dbt has nothing else to do."""
    return _without_idle_hooks(
        _noted(_PlanEvaluation(plan, evaluator, wishes).decided(), evaluator.project.graph.placement), wishes
    )


def _noted(plan: Plan, placement: Placement) -> Plan:
    """Add a note on what to do about steps that run because something in them is not understood."""
    count = sum(step.decision is not None and step.decision.words.startswith(NOT_UNDERSTOOD) for step in plan.steps)
    if not count:
        return plan
    steps = "1 step runs" if count == 1 else f"{count:,} steps run"
    note = (
        f"{steps} because something is not understood; `{placement.command('elt explain NODE')}` names it. If the same"
        " inputs always give the same result, set meta.elt.deterministic: true on the node"
    )
    return replace(plan, notes=(*plan.notes, note))


def closed_decision(check: StepId, placement: Placement) -> Decision:
    """Return the decision for a step below a check that did not pass when it last ran, and is not in the plan."""
    name = short_name(NodeId(check))
    select = f"{'expectation:' if check.startswith('expectation.') else ''}{name}"
    again = placement.command(f"elt test --select {select}")
    words = f"{name} did not pass when it last ran, and is not in this run; check again with: {again}"
    return Decision(act=Act.CLOSED, words=words, blame=check)


def with_closed_gates(plan: Plan, closed: Mapping[StepId, StepId], placement: Placement) -> Plan:
    """Return the plan in which the closed steps, each given with its check, do not run."""
    steps = (
        replace(step, decision=closed_decision(closed[step.id], placement)) if step.id in closed else step
        for step in plan.steps
    )
    return replace(plan, steps=tuple(steps))


@dataclass(slots=True)
class _PlanEvaluation:
    """Walks the plan in order, and assumes the most likely outcome of each step for the steps below it."""

    plan: Plan
    evaluator: Evaluator
    wishes: Wishes
    pending: dict[NodeId, frozenset[NodeId]] = field(default_factory=dict)
    """For each node, the dbt sources whose new rows would change its result."""
    checks: dict[StepId, list[Step]] = field(default_factory=dict)
    open: set[NodeId] = field(default_factory=set)
    """Nodes that run or may run. Their children may find other columns in them."""

    def decided(self) -> Plan:
        # A node is rebuilt if a planned check on it failed, errored or was interrupted last time, or never ran.
        for step in self.plan.steps:
            if isinstance(step, TestStep | ValidationStep):
                for evaluation in self._checked_by(step):
                    self.checks.setdefault(evaluation, []).append(step)
        # The steps are in the order of the graph, so the parents of each step are decided before it.
        return replace(self.plan, steps=tuple(replace(step, decision=self.decide(step)) for step in self.plan.steps))

    def decide(self, step: Step) -> Decision:
        """Return the decision on a step; if the database is unread, one that depends on it is unconfirmed."""
        found = self._decide(step)
        # The planner could not tell whether the parents of this check exist. A decision to run must not hide that.
        if step.decision is not None and step.decision.act is Act.UNCONFIRMED and found.act is Act.RUN:
            return step.decision
        return unconfirmed(found) if self.evaluator.project.unread and not self._is_certain(step, found) else found

    def _is_certain(self, step: Step, found: Decision) -> bool:
        """Return whether a decision is valid whatever the database contains."""
        answer = self.evaluator.answers.get(NodeId(step.id))
        # Steps that run in any case, and closed gates, rest on the record and the options alone.
        if answer is None or found.act is Act.CLOSED or not self.wishes.may_reuse(step):
            return True
        # These run in every run, whatever the tables hold.
        always = isinstance(step, BuildStep) and step.resource_type is ResourceType.FUNCTION
        return always or bool(why_unknown(answer.evaluation.fingerprint))

    def _decide(self, step: Step) -> Decision:
        if isinstance(step, IngestStep) and step.decision is not None:
            return step.decision  # a load that is not due
        if isinstance(step, IngestStep | FreshnessStep | HookStep):
            return Decision(act=Act.RUN, words=reason_of(step))
        if step.id in self.wishes.closed:
            return closed_decision(self.wishes.closed[step.id], self.evaluator.project.graph.placement)
        if isinstance(step, OwnStep) and step.inputs is None:
            return Decision(act=Act.RUN, words=reason_of(step))
        node = NodeId(step.id)
        # dbt ends these as no-op. There is no result that could be reused.
        if isinstance(step, BuildStep) and step.is_no_op:
            return Decision(act=Act.RUN, words=reason_of(step))
        may_reuse = self.wishes.may_reuse(step)
        # A step that runs anyway need not be compiled for the decision; its children still need its fingerprint.
        evaluation = self.evaluator.look(node, compiles=may_reuse)
        decision = self._of(step, evaluation, may_reuse=may_reuse)
        if isinstance(step, BuildStep | OwnStep):
            # A step that is decided later counts as reused here. The run evaluates its children again if it runs after
            # all.
            if decision.may_reuse:
                self.evaluator.leave(node, evaluation)
            else:
                self.evaluator.build(node, evaluation)
            if decision.act is not Act.REUSE:  # IF_CHANGED counts as reused above, but its columns may still change
                self.open.add(node)
        return decision

    def _of(self, step: Step, evaluation: Evaluation, *, may_reuse: bool) -> Decision:
        if not may_reuse:
            return Decision(act=Act.RUN, words=reason_of(step))
        asks = self._is_decided_by_asking(evaluation)
        # A difference that compiling may explain away is no reason to run yet.
        why = "" if asks else evaluation.why
        # Rows that a check did not accept are built again, even if nothing changed.
        why = why or next(
            filter(None, (self._check_words(check, evaluation) for check in self.checks.get(step.id, ()))), ""
        )
        if why or evaluation.then is None:
            return Decision(act=Act.RUN, words=why)
        reused = Decision(
            act=Act.REUSE,
            words=evaluation.waits or "nothing changed",
            of_run=evaluation.then.run_id,
            status=evaluation.then.status.value,
        )
        sources = self._pending_of(NodeId(step.id))
        # New rows outdate a table. A view shows them without being rebuilt.
        if sources and not self._sees_through(NodeId(step.id)):
            waits = for_what_it_waits(self.evaluator.project, NodeId(step.id), evaluation.then)
            return replace(reused, act=Act.IF_CHANGED, words=f"if {_listed(sources)} new rows{waits}")
        if asks:
            decided = ", which its parents decide" if self.evaluator.project.parents(NodeId(step.id)) else ""
            return replace(reused, act=Act.IF_CHANGED, words=f"if it compiles to something else{decided}")
        # If new rows rebuild a table below it, the database may drop the view with it.
        if self._sees_through(NodeId(step.id)) and self.evaluator.project.drops_views and sources:
            return replace(reused, act=Act.IF_CHANGED, words="if what it reads is rebuilt")
        # A view keeps the columns that its parents had when it was created.
        changing = next((one for one in columns_in(evaluation.fingerprint) if self._may_change(one)), None)
        if changing is not None:
            return replace(reused, act=Act.IF_CHANGED, words=f"if the columns of {short_name(changing)} change")
        return reused

    def _may_change(self, node: NodeId) -> bool:
        return node in self.open or node in self.wishes.fed

    def _is_decided_by_asking(self, evaluation: Evaluation) -> bool:
        """Return whether the node can only be decided by compiling it after its parents have finished."""
        if evaluation.fingerprint.at_run_time is None or evaluation.then is None:
            return False
        # Any other reason to run is valid whatever the node compiles to.
        found = self.evaluator.comparisons[evaluation.fingerprint.node]
        return not evaluation.why or (
            found.verdict is ComparisonVerdict.NEEDS_COMPILING and evaluation.why == evaluation.changed
        )

    def _check_words(self, check: Step, evaluation: Evaluation) -> str:
        # If only the target's marker shows the build, another record knows how its checks ended.
        known = StepId(evaluation.fingerprint.node) in self.evaluator.past.last_success
        return self.evaluator.past.check_words(check.id, check.name) if known else ""

    def _pending_of(self, node: NodeId) -> frozenset[NodeId]:
        """Return the sources whose new rows would reach a node; parents are computed first."""
        stack = [node]  # not recursive: a long chain of nodes would exceed Python's recursion limit
        while stack:
            parents = self.evaluator.project.parents(stack[-1])
            missing = [parent for parent in parents if parent not in self.pending]
            if missing:
                stack += missing
                continue
            one = stack.pop()
            self.pending[one] = self._reached(one, parents)
        return self.pending[node]

    def _reached(self, node: NodeId, parents: tuple[NodeId, ...]) -> frozenset[NodeId]:
        own = frozenset({node}) if node in self.wishes.fed else frozenset()  # the source itself gets the new rows
        stays = node not in self.evaluator.planned and node in self.evaluator.project.manifest.nodes
        if stays and not self._sees_through(node):  # a table outside of the plan keeps its rows
            return own
        return own.union(*(self.pending[parent] for parent in parents))

    def _sees_through(self, node: NodeId) -> bool:
        dbt = self.evaluator.project.manifest.nodes.get(node)
        return dbt is not None and nature_of(dbt) is Nature.SEES_THROUGH

    def _checked_by(self, check: TestStep | ValidationStep) -> tuple[StepId, ...]:
        """Return the steps that a check examines."""
        if isinstance(check, ValidationStep):
            return (StepId(check.node),)
        dbt = self.evaluator.project.manifest.nodes.get(check.node)
        return tuple(map(StepId, dbt.parents)) if dbt is not None else ()


def _listed(sources: AbstractSet[NodeId]) -> str:
    names = sorted(map(short_name, sources))
    return f"{names[0]} gets" if len(names) == 1 else f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''} get"


def _without_idle_hooks(plan: Plan, wishes: Wishes) -> Plan:
    """Remove the hooks if dbt certainly has nothing to do; mark them as unconfirmed if that is not known."""
    needs_dbt = [step for step in plan.steps if _may_need_dbt(step)]
    # `all` of no steps is true: with nothing else for dbt to do, its hooks are omitted too.
    if wishes.keeps_hooks or any(map(wishes.may_verify, plan.steps)) or not all(map(_is_unconfirmed, needs_dbt)):
        return plan
    if needs_dbt:
        open_hook = unconfirmed(Decision(act=Act.RUN, words="if dbt has anything to do"))
        return replace(
            plan,
            steps=tuple(
                replace(step, decision=open_hook) if isinstance(step, HookStep) else step for step in plan.steps
            ),
        )
    hooks = {step.id for step in plan.steps if isinstance(step, HookStep)}
    kept = (step for step in plan.steps if step.id not in hooks)
    return replace(
        plan,
        steps=tuple(
            replace(
                step,
                parents=tuple(parent for parent in step.parents if parent not in hooks),
                after=tuple(other for other in step.after if other not in hooks),
            )
            for step in kept
        ),
    )


def _is_unconfirmed(step: Step) -> bool:
    return step.decision is not None and step.decision.act is Act.UNCONFIRMED


def _may_need_dbt(step: Step) -> bool:
    if isinstance(step, FreshnessStep):
        return not step.by_load  # the age of a load is a query of our own
    is_dbt = isinstance(step, BuildStep | TestStep)
    return is_dbt and (step.decision is None or step.decision.act is not Act.REUSE)
