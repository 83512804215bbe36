"""Collects what is known about a project's target, and creates the evaluator that decides which steps need not run."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from orchestrator.config.installed import version_of
from orchestrator.config.settings import OnOpen
from orchestrator.errors import NothingRecordedError, StoreError, WarehouseError
from orchestrator.execution.breaker import Breaker, with_open_circuits
from orchestrator.execution.ports import RunReader, RunStore
from orchestrator.execution.resume import Continued
from orchestrator.execution.reuse import RunReuse, newest_rows, recalled
from orchestrator.execution.sample import sample_of
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.placement import places_of, relations_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.request import PlanRequest, Upstream
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, OwnStep, Step, StepId
from orchestrator.reuse.closed import checked_by, checks_of, closed_by
from orchestrator.reuse.evaluated_project import Project
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.facts import Content
from orchestrator.reuse.fingerprints.hooks import may_change_rows
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.outside import surroundings_of
from orchestrator.reuse.fingerprints.own_step_fingerprints import StepFingerprinter
from orchestrator.reuse.fingerprints.suite_fingerprints import SuiteFingerprinter
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.last_success import LastAttempt, LastSuccess, Marker
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.reuse.past import Past
from orchestrator.reuse.plan_decisions import DecidedPlan, Wishes, decide_plan
from orchestrator.reuse.scope import Named, fed_by, is_decided, nodes_of, with_needs
from orchestrator.reuse.statements import Statements
from orchestrator.reuse.target_facts import TargetFacts, WarehouseFacts
from orchestrator.reuse.unread import recorded_settings
from orchestrator.reuse.verifiable import Verifiable


@dataclass(slots=True)
class _Compiled:
    """The compiled code of nodes, now and in recorded runs."""

    project: OpenTarget
    reader: RunReader | None

    def now(self, node: NodeId) -> str | None:
        """Return the code that a node compiles to now."""
        return self.project.dbt.compiled_code(node)

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Return the code that a node was compiled to in a run."""
        return None if self.reader is None else self.reader.compiled_code(run_id, StepId(node))


@dataclass(kw_only=True)
class Knowledge:
    """What is known about one target before a run; read from the store on first use."""

    project: OpenTarget
    store: RunStore
    run_id: str = "planned"
    """The id of the planned run; the default is the id of no run."""

    @cached_property
    def facts(self) -> TargetFacts:
        """Return what is known from the target's database."""
        return TargetFacts(self.project)

    @cached_property
    def reader(self) -> RunReader | None:
        """Return the record's reader; None if there is none yet, or it is unreadable: the run's writer reports that."""
        try:
            return self.store.reader()
        except (NothingRecordedError, StoreError):
            return None

    @cached_property
    def maker(self) -> Fingerprinter:
        """Return the maker of the fingerprints of the project's nodes; created once."""
        return Fingerprinter(self.project.graph.manifest, self.around, self.project.readings)

    @cached_property
    def verifiable(self) -> Verifiable:
        """Return what decides which steps can be verified."""
        return Verifiable(self.project.snapshot, self.maker)

    @cached_property
    def around(self) -> Surroundings:
        """Return what results depend on outside the project; for a locked database, its last recorded settings."""
        dbt, manifest = self.project.dbt.surroundings(), self.project.graph.manifest
        around = surroundings_of(dbt, manifest, self.project.target.adapter, self.facts.settings())
        if not self.facts.is_locked:
            return around
        return replace(around, recorded=recorded_settings(self.last_success(list(manifest.nodes)).values()))

    def past(self, plan: Plan, reusable: AbstractSet[StepId]) -> Past:
        """Return the record, and the target's markers, of a plan's steps and of all their ancestors.

        For nodes that may be reused, and for those above the plan, the current content is compared with what was built.
        """
        planned = nodes_of(plan)
        if not planned or not self.project.target.is_shared:  # no relation is seen, or a new one is empty
            return Past(unseen=bool(planned))
        deferring = self.project.snapshot.flags.defer
        # With --defer, dbt may read what is not built here from another place, about which nothing is known.
        nodes = frozenset(planned if deferring else with_needs(self.project.graph, self._with_checked(planned)))
        steps = {StepId(node) for node in nodes} | {step.id for step in plan.steps}
        exists = WarehouseFacts(self.project).exists

        def there(relation: Relation) -> bool:
            return exists(relation) is not False

        markers = self._markers(nodes)
        looked_at = frozenset[Relation]()
        contents: Mapping[Relation, Content] = {}
        if markers is not None:
            # What the run certainly builds need not be compared.
            unbuilt = nodes.difference(planned) | {NodeId(step) for step in reusable}
            looked_at = frozenset(self._relations(node for node in unbuilt if StepId(node) in markers))
        read = [relation for relation in self._relations(nodes, of_sources=True) if there(relation)]
        read += self._relations(NodeId(step) for step in reusable if step.startswith("test."))  # their stored failures
        with suppress(WarehouseError):  # what could not be read counts as changed
            contents = self.facts.contents([*read, *looked_at])
        return Past(
            last_success=self.last_success(steps),
            last_attempts=self.last_attempts(steps),
            markers=markers,
            there=there,
            contents=contents,
            looked_at=looked_at,
            unread=self.facts.is_locked,
        )

    def _relations(self, nodes: Iterable[NodeId], *, of_sources: bool = False) -> Iterator[Relation]:
        manifest = self.project.graph.manifest
        for node in nodes:
            known = manifest.sources.get(node) if of_sources else manifest.nodes.get(node)
            if known is not None and known.placed is not None:
                yield known.placed

    def _past_of_checks(self, plan: Plan) -> Past:
        """Return what is recorded of the checks above a plan that do not run, and of the nodes that they check."""
        planned = [*nodes_of(plan), *(step.node for step in plan.of(OwnStep))]
        above = frozenset(with_needs(self.project.graph, planned)).difference(planned)
        graph = self.project.graph
        checks = {check for check in checks_of(graph) if not above.isdisjoint(checked_by(graph, check))}
        ids = set(map(StepId, (*above, *checks)))
        return Past(last_success=self.last_success(ids), last_attempts=self.last_attempts(ids)) if checks else Past()

    def _with_checked(self, planned: list[NodeId]) -> list[NodeId]:
        """Return the nodes of a plan, and what its suites read."""
        suites = [suite for node, suite in self.project.graph.suites.items() if node in planned]
        return [*planned, *(one for suite in suites for one in (suite.node, *suite.reads))]

    def _markers(self, nodes: Collection[NodeId]) -> Mapping[StepId, Marker] | None:
        """Return the target's markers for nodes; None if the target keeps none or cannot be read."""
        record = self.project.record()
        if record is None or self.facts.is_locked:
            return None
        return record.markers(relations_of(self.project.graph, nodes)) if self.project.target.is_there else {}

    def last_success(self, steps: Collection[NodeId] | Collection[StepId]) -> Mapping[StepId, LastSuccess]:
        """Return the last successful result of each of these."""
        target, places = self.project.target.identity, places_of(self.project.graph, map(StepId, steps))
        return {} if self.reader is None else self.reader.last_success(target, places)

    def last_attempts(self, steps: Collection[StepId]) -> Mapping[StepId, LastAttempt]:
        """Return the last attempt of each of these."""
        target, places = self.project.target.identity, places_of(self.project.graph, steps)
        return {} if self.reader is None else self.reader.last_attempts(target, places)

    def evaluator(self, past: Past, planned: frozenset[NodeId], run_id: str) -> Evaluator:
        """Return an evaluator without any decisions yet."""
        project, facts, deferred = self.project, self.facts, self.project.dbt.deferred_relations()
        return Evaluator(
            Project(
                graph=project.graph,
                maker=self.maker,
                suites=SuiteFingerprinter(
                    graph=project.graph,
                    readings=project.snapshot.suites,
                    around=self.around,
                    version=version_of("great-expectations") or "",
                ),
                steps=StepFingerprinter(graph=project.graph, root=project.settings.project_root),
                database=facts,
                code=_Compiled(project, self.reader),
                run_id=run_id,
                drops_views=project.target.adapter != "duckdb",  # DuckDB keeps the views on a dropped table
                statements=Statements(
                    project.graph.manifest, project.target.database, facts.functions, deferred, unread=facts.is_locked
                ),
                unread=facts.is_locked,
                warns_are_errors=project.snapshot.flags.warns_are_errors,
                now=self.around.started_at,
            ),
            past,
            planned,
        )

    def decided(
        self,
        plan: Plan,
        request: PlanRequest,
        *,
        skip_unchanged: bool,
        verifies: bool = False,
        keeps_hooks: bool = False,
    ) -> DecidedPlan:
        """Return the plan with a decision for each step, if there is anything to decide."""
        closed, may_reuse = self.closed(plan, request), self._may_reuse(plan, request, skip_unchanged=skip_unchanged)
        if not closed and not any(is_decided(step) and may_reuse(step) for step in plan.steps):
            return DecidedPlan(plan=plan)
        plan, evaluator = self.decided_plan(
            plan, request, skip_unchanged=skip_unchanged, verifies=verifies, keeps_hooks=keeps_hooks
        )
        return DecidedPlan(plan=plan, evaluator=evaluator)

    def decided_plan(
        self,
        plan: Plan,
        request: PlanRequest,
        *,
        skip_unchanged: bool,
        verifies: bool = False,
        keeps_hooks: bool = False,
    ) -> tuple[Plan, Evaluator]:
        """Return the plan with a decision for each step, and the evaluator that made them."""
        may_reuse = self._may_reuse(plan, request, skip_unchanged=skip_unchanged)
        past = self.past(plan, frozenset(step.id for step in plan.steps if is_decided(step) and may_reuse(step)))
        asked = [step.node for step in plan.steps if isinstance(step, FreshnessStep) and not step.by_load]
        fed = {source for source in asked if self.facts.is_unread(source)} | fed_by(self.project.graph, plan)
        evaluator = self.evaluator(past, frozenset(nodes_of(plan)), self.run_id)
        evaluator.newest |= newest_rows(self.reader, asked, past.last_attempts)
        may_verify = self.verifiable.has if verifies else lambda _step: False
        wishes = Wishes(
            may_reuse=may_reuse,
            closed=self.closed(plan, request),
            fed=fed,
            keeps_hooks=keeps_hooks or may_change_rows(self.maker.index.at_start[0]),  # such hooks always run
            may_verify=may_verify,
        )
        return decide_plan(plan, evaluator, wishes), evaluator

    def closed(self, plan: Plan, request: PlanRequest) -> Mapping[StepId, StepId]:
        """Return the closed steps of a plan, each with the check that closes it."""
        past = self._past_of_checks(plan)
        return closed_by(self.project.graph, plan, past, request.excluded) if request.tests else {}

    def _may_reuse(self, plan: Plan, request: PlanRequest, *, skip_unchanged: bool) -> Callable[[Step], bool]:
        named = Named(plan, request)
        fresh = self.project.snapshot.flags.full_refresh

        def may_reuse(step: Step) -> bool:
            # With --full-refresh, the selected builds run even if they are unchanged.
            if skip_unchanged and not (fresh and isinstance(step, BuildStep) and not step.added):
                return True
            # Otherwise, only what `--upstream auto` added may be reused: what the user named runs.
            return request.upstream is Upstream.AUTO and not named.has(step)

        return may_reuse

    def with_open_circuits(self, plan: Plan) -> Plan:
        """Return the plan without the loads whose circuit breaker is open."""
        wish = self.project.settings.circuit_breaker
        loads = [step.id for step in plan.steps if isinstance(step, IngestStep)]
        if not wish.after or not loads or self.reader is None:
            return plan
        breaker = Breaker(after=wish.after, try_again_after=wish.try_again_after, skips_below=wish.below is OnOpen.SKIP)
        places = places_of(self.project.graph, loads)
        failing = self.reader.failing(self.project.target.identity, places, wish.after)
        return with_open_circuits(plan, failing, breaker, datetime.now(UTC))

    def reuse(
        self, decided_plan: DecidedPlan, run_id: str, continued: Continued | None, verified: float = 0
    ) -> RunReuse:
        """Return what decides on reuse during a run; a resumed run keeps what was done before.

        `verified` is the share of reused steps that is verified. A decision made during planning is valid until a step
        changes what it depends on: no other process writes there, because the run was planned under its lease.
        """
        plan, before = decided_plan.plan, decided_plan.evaluator
        settled, cut_off = (continued.settled, continued.found) if continued is not None else ((), ())
        done = {NodeId(outcome.step_id) for outcome in (*settled, *cut_off)}
        reusable = frozenset(step.id for step in plan.steps if step.decision is not None and step.decision.may_reuse)
        past = self.past(plan, reusable) if before is None else before.past
        evaluator = self.evaluator(past, frozenset(nodes_of(plan)) - done, run_id)
        evaluator.before = before
        sample = sample_of(plan, self.verifiable, verified, run_id)
        found = RunReuse(evaluator=evaluator, recall=recalled(self.reader, plan), sample=sample)
        for outcome in settled:
            found.heard(outcome)
        for outcome in cut_off:
            found.recovered(outcome)
        return found
