"""Gathers what is known about tables that plain dbt built, and decides which are adopted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from orchestrator.adoption.dbt_run import (
    DbtNodeRun,
    FileTimes,
    Read,
    file_doubt,
    may_compile,
    may_write_elsewhere,
    outside_of,
    run_refusal,
)
from orchestrator.adoption.prints import Prints
from orchestrator.adoption.ruling import ADOPTABLE, Evidence, Ruling, RulingAct, Terms, decide
from orchestrator.config.installed import version_of
from orchestrator.execution.knowledge import Knowledge
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.run_results import DbtArtifacts, DbtResult
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.reuse.evaluated_project import Evaluation
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.facts import Content
from orchestrator.reuse.fingerprints.result_identity import Nature, nature_of
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.reuse.statements import Statements

Candidate = BuildStep | TestStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A node with the decision on its adoption."""

    step: Candidate
    ruling: Ruling
    result: DbtResult | None
    evaluation: Evaluation
    """What the node is to its children, and what is recorded of it, if it is adopted."""


class CopyComparison(Protocol):
    """Compares nodes with copies of them that are built now."""

    def difference(self, step: BuildStep) -> str:
        """Describe how a relation differs from a copy that is built now; empty if they are equal."""


@dataclass(kw_only=True)
class Gathered:
    """What is known about an open project and of a run of plain dbt."""

    project: OpenTarget
    compares: Callable[[tuple[NodeId, ...]], CopyComparison]
    """Returns what compares these nodes with copies."""
    known: Knowledge
    artifacts: DbtArtifacts
    plan: Plan
    run_id: str
    times: FileTimes | None
    """None if the target is not a file."""
    verify: bool
    done: set[NodeId] = field(default_factory=set)
    """The nodes that are adopted now, or were known before."""

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Return the steps of nodes that can be adopted: builds first, then the checks."""
        found = [
            step
            for step in self.plan.steps
            if isinstance(step, BuildStep | TestStep) and step.resource_type in ADOPTABLE and not self._is_empty(step)
        ]
        # Sorting is stable, so builds stay in the order of the graph and each follows its parents.
        return tuple(sorted(found, key=lambda step: isinstance(step, TestStep)))

    def _is_empty(self, step: Candidate) -> bool:
        node = self.project.graph.manifest.nodes[step.node]
        return node.is_ephemeral or node.is_empty

    def ruled(self, *, dry_run: bool) -> list[Ruled]:
        """Return the decision on each candidate; a dry run builds no copies."""
        found = []
        for step in self.candidates:
            evaluation = self.evaluator.look(step.node)
            evaluation, evidence = self._evidence(step, evaluation)
            ruling = decide(evidence, self.terms)
            if ruling.act is RulingAct.COMPARE and not dry_run and isinstance(step, BuildStep):
                difference = self.copies.difference(step)
                act = RulingAct.REFUSE if difference else RulingAct.ADOPT
                ruling = Ruling(act=act, reason=difference or ruling.reason)
            # Children are evaluated as after this adoption: their parents then have the identity of a build.
            if ruling.act in {RulingAct.ADOPT, RulingAct.COMPARE}:
                self.evaluator.build(step.node, evaluation)
            else:
                self.evaluator.leave(step.node, evaluation)
            if ruling.act is not RulingAct.REFUSE:  # a child of a refused node was built from rows that are not known
                self.done.add(step.node)
            found.append(Ruled(step=step, ruling=ruling, result=evidence.result, evaluation=evaluation))
        return found

    @cached_property
    def evaluator(self) -> Evaluator:
        """Return the evaluator of the candidates, by the record and the target as they are now."""
        plan = replace(self.plan, steps=self.candidates)
        past = self.known.past(plan, frozenset(step.id for step in self.candidates))
        return self.known.evaluator(past, frozenset(step.node for step in self.candidates), self.run_id)

    @cached_property
    def copies(self) -> CopyComparison:
        """Return the object that compares nodes with copies."""
        return self.compares(tuple(node for node in self._builds() if self.content(node)))

    @cached_property
    def around(self) -> Surroundings:
        """Return the surroundings in which both manifests are read; a seed's file is compared by loading it."""
        found = self.known.around
        # A manifest has no bytes of a seed, so both sides get the same part, and the table is compared with the file.
        return replace(found, seed_content=lambda _node: "")

    @cached_property
    def now(self) -> Prints:
        """Return the fingerprints of the current project."""
        return Prints(manifest=self.project.graph.manifest, around=self.around)

    @cached_property
    def then(self) -> Prints:
        """Return the fingerprints of the project at the time of the dbt run."""
        return Prints(manifest=self.artifacts.manifest, around=self.around, parsed=self.project.graph.manifest)

    @cached_property
    def terms(self) -> Terms:
        """Return the conditions that apply to every node."""
        run = self.artifacts.run
        adapters = (self.artifacts.manifest.adapter_type, self.project.graph.manifest.adapter_type)
        refusal = run_refusal(
            run, dbt_version=version_of("dbt-core") or "", adapters=adapters, target=self.project.target.name
        )
        return Terms(
            run=run,
            refusal=refusal,
            file_doubt=refusal or self._file_doubt(),
            verify=self.verify,
            adapter=adapters[1],
            flags=self.around.flags,
            project=self.project.graph.manifest.project_name,
            vars_are_same=dict(run.args.get("vars") or {}) == dict(self.project.snapshot.flags.vars),
        )

    def _file_doubt(self) -> str:
        if self.times is None:  # no file, so there is no time of the last write
            return "PostgreSQL does not say when a table was last written"
        if doubt := file_doubt(self.artifacts.run, self.times):
            return doubt
        statements = Statements(self.artifacts.manifest, self.project.target.database, self.known.facts.functions)
        # All nodes of the run, not only the candidates: any of them may have written to a candidate's table.
        for result in self.artifacts.run.results.values():
            node = self.artifacts.manifest.nodes.get(result.unique_id)
            if node is None:
                return f"{result.unique_id} of that run is not in its manifest"
            if why := may_write_elsewhere(self._ran(node, result, statements)):
                return f"that run may have written to other relations than those of its nodes, in {why}"
        return ""

    def _ran(self, node: DbtNode, result: DbtResult, statements: Statements) -> DbtNodeRun:
        made, code = self.then.of(node.unique_id), result.compiled_code
        reads = made is not None and made.has_statement and code is not None
        return DbtNodeRun(
            node=node,
            made=made,
            texts=tuple(self.then.texts_of(node)),
            hook_macros=tuple(self.then.hook_macros_of(node)),
            statement=statements.verdict(node.unique_id, code) if reads and code is not None else None,
            code=code or "",
        )

    def _evidence(self, step: Candidate, evaluation: Evaluation) -> tuple[Evaluation, Evidence]:
        """Return what is known about a node, and what would be recorded of it."""
        node = self.project.graph.manifest.nodes[step.node]
        result = self.artifacts.run.results.get(step.node)
        made = self.now.of(step.node) or evaluation.fingerprint
        compiled = None if result is None else result.compiled_code
        codes = () if result is None else self._codes(node, made)
        executed = compiled or next(iter(codes), None)  # dbt keeps no code of a microbatch model
        if evaluation.fingerprint.has_statement and executed is not None:
            evaluation = self.evaluator.finished(evaluation, self.evaluator.definitions.verdict(evaluation, executed))
        statements = self.evaluator.project.statements
        reads = tuple(self._reads(node))
        relation = node.placed
        is_build = isinstance(step, BuildStep)
        return evaluation, Evidence(
            node=node,
            result=result,
            relation_name=node.relation_name,
            then=self.then.of(step.node),
            now=made,
            made=evaluation.fingerprint,
            codes=codes,
            why_statement=""
            if statements is None
            else statements.why_not(evaluation.fingerprint, evaluation.fingerprint),
            is_known=evaluation.then is not None and not evaluation.why,
            is_doubted=self._is_doubted(step.id),
            content=self.content(step.node),
            open_parents=tuple(read.node for read in reads if not read.is_source and not self._is_settled(read.node)),
            unversioned=self.evaluator.unversioned,
            outside=""
            if result is None
            else outside_of(relation, reads, self.artifacts.run, result, self.project.target.database),
            can_compare=is_build and self.known.verifiable.has(step),
        )

    def _codes(self, node: DbtNode, made: Fingerprint) -> tuple[str, ...]:
        if node.resource_type in {ResourceType.SEED, ResourceType.UNIT_TEST} or not self.known.facts.is_readable:
            return ()  # dbt compiles nothing for these; for others it could create a database file that does not exist
        if not may_compile(made, self.now.texts_of(node)):
            return ()
        return self.project.dbt.compiled_variants(node.unique_id)

    def _is_doubted(self, step: StepId) -> bool:
        past = self.evaluator.past
        marker, last_success = (past.markers or {}).get(step), past.last_success.get(step)
        return (marker is not None and marker.is_doubted) or (
            past.markers is None and last_success is not None and last_success.is_doubted  # with markers, those decide
        )

    def _is_settled(self, node: NodeId) -> bool:
        return node in self.done or (node not in self.evaluator.planned and node in self.evaluator.known)

    def _reads(self, node: DbtNode) -> Iterator[Read]:
        """Return what a node reads, also through ephemeral models and views, which hold no rows of their own."""
        manifest, waiting, seen = self.project.graph.manifest, list(node.parents), set[NodeId]()
        for parent in waiting:  # the list grows during the iteration
            if parent in seen:
                continue
            seen.add(parent)
            if parent in manifest.sources:
                relation = manifest.sources[parent].placed
                writers = tuple(one for one in self.project.graph.needs.parents(parent) if one in manifest.nodes)
                content = self._contents.get(relation)
                is_files = bool(manifest.sources[parent].external)
                yield Read(
                    node=parent,
                    relation=relation,
                    is_source=True,
                    is_files=is_files,
                    content=content,
                    writers=writers,
                )
            elif parent in manifest.nodes:
                known = manifest.nodes[parent]
                if known.placed is None or nature_of(known) is Nature.SEES_THROUGH:
                    waiting += known.parents
                if known.placed is not None:
                    yield Read(node=parent, relation=known.placed)

    def _builds(self) -> Iterator[NodeId]:
        return (step.node for step in self.candidates if isinstance(step, BuildStep))

    def content(self, node: NodeId) -> Content | None:
        """Return what a candidate's relation held before any decision; None if it does not exist."""
        relation = self.project.graph.manifest.nodes[node].placed
        return None if relation is None else self._contents.get(relation)

    @cached_property
    def _contents(self) -> Mapping[Relation, Content]:
        """Return what the relations of the candidates, and all dbt sources, hold now."""
        manifest = self.project.graph.manifest
        built = [manifest.nodes[step.node].placed for step in self.candidates]
        sources = [source.placed for source in manifest.sources.values()]
        return self.known.facts.contents(relation for relation in (*built, *sources) if relation is not None)
