"""A little world to try reuse in: what a node leaves is a function of its code and of what it reads.

Each target keeps its tables, and beside them the markers that builds leave; the record is kept apart and may lag.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Verify
from orchestrator.execution.reuse import RunReuse, passed_over
from orchestrator.execution.sample import Sample
from orchestrator.execution.scheduler import Scheduler
from orchestrator.graph.build import Graph, build_graph
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.decision import Decision as PlanDecision
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Step, StepId, TestStep
from orchestrator.reuse.closed import closed_by
from orchestrator.reuse.evaluated_project import Project
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.facts import Content, StoredFunction, content_text
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import SourceVersion
from orchestrator.reuse.last_success import DOUBTED, SUCCEEDED, LastAttempt, LastSuccess, Mark, Marker
from orchestrator.reuse.past import Past
from orchestrator.reuse.plan_decisions import Wishes, decide_plan
from tests.fakes.clock import NOON
from tests.unit.reuse.fingerprints.making import project

CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})


def meaning(node: DbtNode) -> str:
    """Give what a node's code means: what stands before its comment."""
    return node.definition.raw_code.partition("--")[0].strip()


@dataclass
class Target:
    """A database: what stands in it."""

    sources: dict[NodeId, int] = field(default_factory=dict)
    held: dict[NodeId, object] = field(default_factory=dict)
    """Of a table what it holds, of a view what it is."""
    markers: dict[StepId, Marker] = field(default_factory=dict)

    def copy(self) -> "Target":
        """Give what a copy of the file would hold."""
        return Target(dict(self.sources), dict(self.held), dict(self.markers))


@dataclass
class Record:
    """What the store knows of one target."""

    last_success: dict[StepId, LastSuccess] = field(default_factory=dict)
    last_attempts: dict[StepId, LastAttempt] = field(default_factory=dict)
    compiled: dict[tuple[str, NodeId], str] = field(default_factory=dict)
    outcomes: dict[tuple[str, StepId], Outcome] = field(default_factory=dict)


@dataclass
class World:
    """A project and its target, run with reuse or without."""

    parts: dict[str, DbtNode | DbtSource]
    target: Target = field(default_factory=Target)
    record: Record = field(default_factory=Record)
    runs: int = 0
    marks: bool = True
    reads_content: bool = True
    """Whether what relations hold is compared with what was recorded with their builds."""
    ran: list[StepId] = field(default_factory=list)
    """The steps of the last run that ran."""

    @property
    def graph(self) -> Graph:
        """The graph of the project as it is now."""
        return build_graph(project(*self.parts.values()))

    def contents(self, node: NodeId) -> object:
        """Give the rows that a reader of a node sees now."""
        if node in self.target.sources:
            return self.target.sources[node]
        dbt = self.graph.manifest.nodes[node]
        if dbt.is_ephemeral:
            return self._made(dbt)
        held = self.target.held.get(node)
        if dbt.materialized == "view" and isinstance(held, DbtNode):
            return self._made(held)
        return held

    def _made(self, dbt: DbtNode) -> tuple[object, ...]:
        return (meaning(dbt), *(self.contents(parent) for parent in dbt.parents))

    def compiled(self, dbt: DbtNode) -> str:
        """Give what a node compiles to: ephemeral models are written into it."""
        nodes = self.graph.manifest.nodes
        parents = (nodes[parent] for parent in dbt.parents if parent in nodes)
        return " ".join([meaning(dbt), *(self.compiled(one) for one in parents if one.is_ephemeral)])

    def run(self, plan: Plan, *, reuse: RunReuse | None = None, dies_after: int | None = None) -> dict[StepId, Outcome]:
        """Run a plan; a run that dies has built its last step, and nobody recorded it."""
        scheduler = Scheduler(plan, Limits(dbt=1))
        ended: dict[StepId, Outcome] = {}
        self.ran = []
        waiting = [scheduler.begin()]
        while waiting:
            decision = waiting.pop()
            if reuse is not None:
                decision = passed_over(decision, scheduler, reuse)
            for outcome in decision.outcomes:
                ended[outcome.step_id] = outcome
                self._note(outcome, reuse)
            for step in decision.start:
                verify = reuse.verifies(step.id) if reuse is not None else None
                if verify is not None:
                    waiting.append(scheduler.end(self._verify(step, verify)))
                    continue
                self.record.last_attempts[step.id] = LastAttempt(run_id=self.run_id, status=None, ended_at=None)
                self.ran.append(step.id)
                outcome = self._execute(step, reuse)
                if dies_after is not None and len(self.ran) > dies_after:
                    return ended
                waiting.append(scheduler.end(outcome))
        return ended

    @property
    def run_id(self) -> str:
        """The run that goes on."""
        return f"r{self.runs}"

    def _verify(self, step: Step, verify: Verify) -> Outcome:
        node = self.graph.manifest.nodes[NodeId(step.id)]
        if self.target.held[node.unique_id] == self._made(node):
            return replace(verify.reused, reason=Reason(code=ReasonCode.VERIFIED))
        self._mark(step, Mark(digest=DOUBTED, identity=DOUBTED), is_whole=False)
        return Outcome(step_id=step.id, status=Status.ERROR, reason=Reason(code=ReasonCode.DIFFERS), ended_at=NOON)

    def _mark(self, step: Step, mark: Mark, *, is_whole: bool = True) -> None:
        self.target.markers[step.id] = Marker(
            step_id=step.id,
            relation="",
            run_id=self.run_id,
            attempt=1,
            digest=mark.digest,
            identity=mark.identity,
            at=NOON,
            is_whole=is_whole,
            content=self._content(NodeId(step.id)) if mark.digest != DOUBTED else None,
        )

    def _content(self, node: NodeId) -> str | None:
        content = self._holds().get(self.graph.manifest.nodes[node].placed)
        return None if content is None else content_text(content)

    def _holds(self) -> dict[Relation, Content]:
        """Return what the relations of the target hold."""
        nodes = self.graph.manifest.nodes
        found = {}
        for node, held in self.target.held.items():
            if node in nodes and nodes[node].placed is not None:
                is_view = isinstance(held, DbtNode)
                text = repr((meaning(held), held.parents) if is_view else held)
                found[nodes[node].placed] = Content(
                    kind="view" if is_view else "table",
                    columns="",
                    rows=None if is_view else text,
                    dlt_columns=None if is_view else "",
                    count=1,
                    definition=text if is_view else "",
                )
        return found

    def _execute(self, step: Step, reuse: RunReuse | None) -> Outcome:
        node = self.graph.manifest.nodes[NodeId(step.id)]
        self.record.compiled[self.run_id, node.unique_id] = self.compiled(node)
        if isinstance(step, TestStep):
            evaluation = self.graph.manifest.nodes[node.parents[0]]
            is_unit = node.resource_type is ResourceType.UNIT_TEST  # it has rows of its own
            bad = _says_no((meaning(node), self.compiled(evaluation)) if is_unit else self._made(node))
            worst = Status.WARN if node.severity == "warn" else Status.FAIL
            return Outcome(step_id=step.id, status=worst if bad else Status.SUCCESS, ended_at=NOON)
        if not node.is_ephemeral:
            self.target.held[node.unique_id] = node if node.materialized == "view" else self._made(node)
            mark = reuse.mark(step.id) if reuse is not None else None
            if mark is not None:
                self._mark(step, mark)
        return Outcome(step_id=step.id, status=Status.SUCCESS, ended_at=NOON)

    def _note(self, outcome: Outcome, reuse: RunReuse | None) -> None:
        if outcome.status in {Status.REUSED, Status.SKIPPED}:
            return
        step = outcome.step_id
        self.record.last_attempts[step] = LastAttempt(run_id=self.run_id, status=outcome.status, ended_at=NOON)
        self.record.outcomes[self.run_id, step] = outcome
        known = reuse.known(outcome) if reuse is not None else None
        if known is not None and known.doubts is not None:
            self.record.last_success[step] = replace(known.doubts, status=outcome.status)
        elif known is not None and outcome.status in SUCCEEDED:
            self.record.last_success[step] = LastSuccess(
                run_id=self.run_id,
                ended_at=NOON,
                status=outcome.status,
                fingerprint=known.fingerprint,
                identity=known.identity,
            )

    def plan(
        self, named: Collection[NodeId] | None = None, upstream: Upstream = Upstream.AUTO
    ) -> tuple[Plan, PlanRequest]:
        """Plan everything, or some nodes with what their checks are."""
        graph = self.graph
        direct = frozenset(graph.manifest.nodes if named is None else named)
        checks = {node.unique_id for node in graph.manifest.nodes.values() if node.resource_type in CHECKS}
        also = {check for check in checks if direct.issuperset(graph.manifest.nodes[check].parents)}
        request = PlanRequest(selected=direct | also, direct=direct, upstream=upstream)
        return make_plan(graph, request, self), request

    def exists(self, relation: object) -> bool:
        """Say whether a table or view is there."""
        nodes = self.graph.manifest.nodes.values()
        return any(node.placed == relation and node.unique_id in self.target.held for node in nodes)

    def run_with_reuse(
        self,
        named: Collection[NodeId] | None = None,
        *,
        skip_unchanged: bool = True,
        upstream: Upstream = Upstream.AUTO,
        dies_after: int | None = None,
        verified: float = 0,
    ) -> dict[StepId, Outcome]:
        """Plan, decide and run; this share of the tables that are reused is verified."""
        self.runs += 1
        plan, request = self.plan(named, upstream)
        past = self.past()
        selected = request.selected
        planned, evaluator = self.evaluator(past, plan), self.evaluator(past, plan)
        evaluator.before = planned
        decided = decide_plan(
            plan,
            planned,
            Wishes(
                may_reuse=lambda step: skip_unchanged or (upstream is Upstream.AUTO and step.id not in selected),
                closed=closed_by(self.graph, plan, past, frozenset()),
            ),
        )
        tables = [step for step in decided.steps if isinstance(step, BuildStep) and step.materialized == "table"]
        reuse = RunReuse(
            evaluator=evaluator,
            recall=lambda step, then: self.record.outcomes.get((then.run_id, step)),
            sample=Sample.of([step for step in tables if step.decision.may_reuse], verified, self.run_id),
        )
        return self.run(decided, reuse=reuse, dies_after=dies_after)

    def past(self) -> Past:
        """Give what is known of the target."""
        return Past(
            last_success=dict(self.record.last_success),
            last_attempts=dict(self.record.last_attempts),
            markers=dict(self.target.markers) if self.marks else None,
            contents=self._holds(),
            looked_at=frozenset(self._holds()) if self.marks and self.reads_content else frozenset(),
            there=self.exists,
        )

    def evaluator(self, past: Past, plan: Plan) -> Evaluator:
        """Give a judge that has seen nothing yet."""
        graph = self.graph
        return Evaluator(
            Project(
                graph=graph,
                maker=Fingerprinter(graph.manifest, Surroundings()),
                database=_Database(self.target),
                code=_Code(self),
                run_id=self.run_id,
            ),
            past,
            frozenset(NodeId(step.id) for step in plan.steps if isinstance(step, BuildStep | TestStep)),
        )

    def decisions(self, *, unread: bool = False) -> dict[StepId, PlanDecision]:
        """Return the decision on each step of a run of everything; `unread` if another process holds the database."""
        self.runs += 1
        plan, _ = self.plan()
        past = (
            Past(last_success=self.record.last_success, last_attempts=self.record.last_attempts, unread=True)
            if unread
            else self.past()
        )
        evaluator = self.evaluator(past, plan)
        if unread:
            evaluator = Evaluator(
                replace(evaluator.project, database=_Held(self.target), unread=True), past, evaluator.planned
            )
        decided = decide_plan(plan, evaluator, Wishes(may_reuse=lambda _step: True))
        return {step.id: step.decision for step in decided.steps if step.decision is not None}


@dataclass
class _Database:
    target: Target

    def version(self, source: NodeId, newest_row: str | None) -> SourceVersion | str:
        """Return the version of a source's rows."""
        del newest_row
        return SourceVersion(rows=str(self.target.sources[source]))

    def columns(self, node: NodeId) -> str:
        """All have the same columns."""
        del node
        return ""

    def functions(self) -> Mapping[str, StoredFunction]:
        """There are none."""
        return {}

    def touch(self, step: StepId, *, exists: bool) -> None:
        """Nothing is remembered."""


@dataclass
class _Held(_Database):
    """A database that another process holds."""

    def version(self, source: NodeId, newest_row: str | None) -> str:
        """Return why there is no version."""
        del source, newest_row
        return "its database cannot be read beside dbt"


@dataclass
class _Code:
    world: World

    def now(self, node: NodeId) -> str | None:
        """Give what the node's code means."""
        return self.world.compiled(self.world.graph.manifest.nodes[node])

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Give what it meant in a run."""
        return self.world.record.compiled.get((run_id, node))


def _says_no(seen: tuple[object, ...]) -> bool:
    return sum(map(ord, repr(seen))) % 5 == 0


def with_code(node: DbtNode, code: str) -> DbtNode:
    """Give the node with another code."""
    return replace(node, definition=replace(node.definition, raw_code=code))


def seen(world: World, nodes: Collection[NodeId]) -> Mapping[NodeId, object]:
    """Give what readers of these nodes see."""
    return {node: world.contents(node) for node in nodes}
