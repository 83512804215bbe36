"""What is known of an open project's target, and the judge that says what of it need not run."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from orchestrator.adapters.dbt.compiling import compile_code
from orchestrator.config.settings import OnOpen
from orchestrator.errors import NothingRecordedError, StoreError, WarehouseError
from orchestrator.execution.breaker import Breaker, with_open_circuits
from orchestrator.execution.ports import RunReader, RunStore
from orchestrator.execution.resume import Continued
from orchestrator.execution.reuse import RunReuse, newest_rows, recalled
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.placement import places_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.request import PlanRequest, Upstream
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, Step, StepId
from orchestrator.reuse.closed import checks_of, closed_by, judged_by, writers_of
from orchestrator.reuse.facts import Content
from orchestrator.reuse.fingerprints.hooks import may_change_rows
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.suites import SuiteFingerprinter
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.foresee import Foreseen, Wishes, foresee
from orchestrator.reuse.judge import Judge
from orchestrator.reuse.past import Past
from orchestrator.reuse.project import Project
from orchestrator.reuse.scope import Named, fed_by, is_decided, nodes_of
from orchestrator.reuse.standing import LastTry, Marker, Standing
from orchestrator.reuse.statements import Statements
from orchestrator.reuse.unread import SETTINGS
from orchestrator.wiring.fingerprinting import surroundings_of, with_needs
from orchestrator.wiring.marking import relations_of, target_record
from orchestrator.wiring.project import OpenProject, WarehouseFacts
from orchestrator.wiring.shadowing import warns_are_errors
from orchestrator.wiring.target_facts import TargetFacts
from orchestrator.wiring.verifying import Verifiable
from orchestrator.wiring.versions import version_of
from orchestrator.wiring.warehouse import is_there


@dataclass(slots=True)
class _Compiled:
    """What nodes compile to, now and in the runs that are recorded."""

    project: OpenProject
    reader: RunReader | None

    def now(self, node: NodeId) -> str | None:
        """Give what a node compiles to now."""
        return compile_code(self.project.session, node)

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Give what it was compiled to in a run."""
        return None if self.reader is None else self.reader.compiled_code(run_id, StepId(node))


@dataclass(kw_only=True)
class Knowledge:
    """What is known of one target before a run; read from the store when it is first asked for."""

    project: OpenProject
    store: RunStore
    run_id: str = "planned"
    """The run that is planned; no run has the default."""

    @cached_property
    def facts(self) -> TargetFacts:
        """What the target's database says."""
        return TargetFacts(self.project)

    @cached_property
    def reader(self) -> RunReader | None:
        """The record; None where there is none yet, or none that can be read: the run's own writer tells it."""
        try:
            return self.store.reader()
        except (NothingRecordedError, StoreError):
            return None

    @cached_property
    def maker(self) -> Fingerprinter:
        """What makes the fingerprints of the project's nodes; made once."""
        return Fingerprinter(self.project.graph.manifest, self.around)

    @cached_property
    def around(self) -> Surroundings:
        """What results follow from beside the project; of a database that is held, what was recorded last."""
        around = surroundings_of(self.project, self.facts.settings())
        return replace(around, recorded=self._recorded_settings()) if self.facts.is_held else around

    def _recorded_settings(self) -> Mapping[str, str]:
        """Return the parts of the database's settings as the newest build recorded them."""
        known = self.standing(list(self.project.graph.manifest.nodes)).values()
        newest = max(known, key=lambda one: (one.ended_at is not None, one.ended_at), default=None)
        parts = {} if newest is None else newest.fingerprint.parts
        return {name: digest for name, digest in parts.items() if name.startswith(SETTINGS)}

    def past(self, plan: Plan, reusable: AbstractSet[StepId]) -> Past:
        """Read what is recorded of a plan's steps and of all above them, and what the target says of them itself.

        Of the nodes that may be reused, and of those above the plan, the content is compared with what was built.
        """
        planned = nodes_of(plan)
        if not planned or self.project.target.path == ":memory:":  # such a database begins empty each time
            return Past()
        deferring = bool(getattr(self.project.session.flags, "DEFER", False))
        # what is not built here may be read from elsewhere, of which nothing is known
        nodes = frozenset(planned if deferring else with_needs(self.project, self._with_judged(planned)))
        steps = {StepId(node) for node in nodes} | {step.id for step in plan.steps}
        stands = WarehouseFacts(self.project).stands

        def there(relation: Relation) -> bool:
            return stands(relation) is not False

        markers = self._markers(nodes)
        looked_at = frozenset[Relation]()
        contents: Mapping[Relation, Content] = {}
        if markers is not None:
            unbuilt = nodes.difference(planned) | {NodeId(step) for step in reusable}
            looked_at = frozenset(self._relations(node for node in unbuilt if StepId(node) in markers))
        read = [relation for relation in self._relations(nodes, of_sources=True) if there(relation)]
        read += self._relations(NodeId(step) for step in reusable if step.startswith("test."))
        with suppress(WarehouseError):
            contents = self.facts.contents([*read, *looked_at])
        return Past(
            standing=self.standing(steps),
            tries=self.tries(steps),
            markers=markers,
            there=there,
            contents=contents,
            looked_at=looked_at,
            unread=self.facts.is_held,
        )

    def _relations(self, nodes: Iterable[NodeId], *, of_sources: bool = False) -> Iterator[Relation]:
        manifest = self.project.graph.manifest
        for node in nodes:
            known = manifest.sources.get(node) if of_sources else manifest.nodes.get(node)
            if known is not None and known.relation is not None:
                yield known.relation

    def _past_of_checks(self, plan: Plan) -> Past:
        """Read what became of the checks above a plan that do not run, and of what they judged."""
        planned = nodes_of(plan)
        above = frozenset(with_needs(self.project, planned)).difference(planned)
        graph = self.project.graph
        checks = {check for check in checks_of(graph) if not above.isdisjoint(judged_by(graph, check))}
        writers = {writer for node in above if node in graph.manifest.sources for writer in writers_of(graph, node)}
        steps = {*map(StepId, (*above, *checks)), *writers}
        return Past(standing=self.standing(steps), tries=self.tries(steps)) if checks else Past()

    def _with_judged(self, planned: list[NodeId]) -> list[NodeId]:
        """Add to the nodes of a plan what its suites read."""
        suites = [suite for node, suite in self.project.graph.suites.items() if node in planned]
        return [*planned, *(one for suite in suites for one in (suite.node, *suite.reads))]

    def _markers(self, nodes: Collection[NodeId]) -> Mapping[StepId, Marker] | None:
        """Ask the target itself what it holds; None where it is not asked."""
        record = target_record(self.project)
        if record is None or self.facts.is_held:
            return None
        return record.markers(relations_of(self.project, nodes)) if is_there(self.project.target) else {}

    def standing(self, steps: Collection[NodeId] | Collection[StepId]) -> Mapping[StepId, Standing]:
        """Read what each of these last was when it ended well."""
        target, places = self.project.target.identity, places_of(self.project.graph, map(StepId, steps))
        return {} if self.reader is None else self.reader.standing(target, places)

    def tries(self, steps: Collection[StepId]) -> Mapping[StepId, LastTry]:
        """Read what became of each of these when it last ran."""
        target, places = self.project.target.identity, places_of(self.project.graph, steps)
        return {} if self.reader is None else self.reader.last_tries(target, places)

    def judge(self, past: Past, planned: frozenset[NodeId], run_id: str) -> Judge:
        """Give a judge that has seen nothing yet."""
        project = self.project
        manifest = project.graph.manifest
        return Judge(
            Project(
                graph=project.graph,
                maker=self.maker,
                suites=SuiteFingerprinter(
                    graph=project.graph,
                    readings=project.suites,
                    around=self.around,
                    version=version_of("great-expectations") or "",
                ),
                database=self.facts,
                code=_Compiled(project, self.reader),
                run_id=run_id,
                drops_views=project.target.adapter != "duckdb",
                statements=Statements(
                    manifest, project.target.database, self.facts.functions, unread=self.facts.is_held
                ),
                unread=self.facts.is_held,
                warns_are_errors=warns_are_errors(project.session.flags),
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
    ) -> Foreseen:
        """Return the plan with a decision at each step, where there is anything to decide."""
        closed, may_reuse = self._closed(plan, request), self._may_reuse(plan, request, skip_unchanged=skip_unchanged)
        if not closed and not any(is_decided(step) and may_reuse(step) for step in plan.steps):
            return Foreseen(plan=plan)
        plan, judge = self.foreseen(
            plan, request, skip_unchanged=skip_unchanged, verifies=verifies, keeps_hooks=keeps_hooks
        )
        return Foreseen(plan=plan, judge=judge)

    def foreseen(
        self,
        plan: Plan,
        request: PlanRequest,
        *,
        skip_unchanged: bool,
        verifies: bool = False,
        keeps_hooks: bool = False,
    ) -> tuple[Plan, Judge]:
        """Return the plan with a decision at each step, and the judge that was asked."""
        may_reuse = self._may_reuse(plan, request, skip_unchanged=skip_unchanged)
        past = self.past(plan, frozenset(step.id for step in plan.steps if is_decided(step) and may_reuse(step)))
        asked = [step.node for step in plan.steps if isinstance(step, FreshnessStep) and not step.by_load]
        fed = {source for source in asked if self.facts.is_unread(source)} | fed_by(self.project.graph, plan)
        judge = self.judge(past, frozenset(nodes_of(plan)), self.run_id)
        judge.newest |= newest_rows(self.reader, asked, past.tries)
        may_verify = Verifiable(self.project, self.maker).has if verifies else lambda _step: False
        wishes = Wishes(
            may_reuse=may_reuse,
            closed=self._closed(plan, request),
            fed=fed,
            keeps_hooks=keeps_hooks or may_change_rows(self.maker.index.at_start[0]),
            may_verify=may_verify,
        )
        return foresee(plan, judge, wishes), judge

    def _closed(self, plan: Plan, request: PlanRequest) -> Mapping[StepId, StepId]:
        past = self._past_of_checks(plan)
        return closed_by(self.project.graph, plan, past, request.excluded) if request.tests else {}

    def _may_reuse(self, plan: Plan, request: PlanRequest, *, skip_unchanged: bool) -> Callable[[Step], bool]:
        named = Named(plan, request)
        fresh = bool(getattr(self.project.session.flags, "FULL_REFRESH", False))

        def may_reuse(step: Step) -> bool:
            if skip_unchanged and not (fresh and isinstance(step, BuildStep) and not step.added):
                return True
            return request.upstream is Upstream.AUTO and not named.has(step)

        return may_reuse

    def with_open_circuits(self, plan: Plan) -> Plan:
        """Leave out the loads that failed run after run, as the settings say."""
        wish = self.project.settings.circuit_breaker
        loads = [step.id for step in plan.steps if isinstance(step, IngestStep)]
        if not wish.after or not loads or self.reader is None:
            return plan
        breaker = Breaker(after=wish.after, try_again_after=wish.try_again_after, skips_below=wish.below is OnOpen.SKIP)
        places = places_of(self.project.graph, loads)
        failing = self.reader.failing(self.project.target.identity, places, wish.after)
        return with_open_circuits(plan, failing, breaker, datetime.now(UTC))

    def reuse(self, foreseen: Foreseen, run_id: str, continued: Continued | None, verified: float = 0) -> RunReuse:
        """Give what decides in a run; of one that goes on, what was done before stays as it is.

        This share of what it reuses is verified. What was judged when the run was planned holds until a step touches
        it: nobody else writes there, because the run was planned under its lease.
        """
        plan, before = foreseen.plan, foreseen.judge
        settled, cut_off = (continued.settled, continued.found) if continued is not None else ((), ())
        done = {NodeId(outcome.step_id) for outcome in (*settled, *cut_off)}
        reusable = frozenset(step.id for step in plan.steps if step.decision is not None and step.decision.may_reuse)
        past = self.past(plan, reusable) if before is None else before.past
        judge = self.judge(past, frozenset(nodes_of(plan)) - done, run_id)
        judge.before = before
        sample = Verifiable(self.project, self.maker).sample(plan, verified, run_id)
        found = RunReuse(judge=judge, recall=recalled(self.reader, plan), sample=sample)
        for outcome in settled:
            found.heard(outcome)
        for outcome in cut_off:
            found.stood(outcome)
        return found
