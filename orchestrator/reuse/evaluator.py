"""Decides for each node whether its existing result is still valid. Parents are decided before their children."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.step import StepId
from orchestrator.reuse.definitions import Definitions
from orchestrator.reuse.evaluated_project import Evaluation, NodeEvaluation, Project
from orchestrator.reuse.fingerprints.compare import Comparison, ComparisonVerdict
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.make import has_fingerprint
from orchestrator.reuse.fingerprints.result_identity import (
    IDS_OF,
    Nature,
    data_parts,
    definition_digest,
    definition_of,
    identity,
    nature_of,
    seen_through,
    with_built,
)
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion, StatementVerdict
from orchestrator.reuse.freshness_policy import still_waits
from orchestrator.reuse.last_success import LastSuccess
from orchestrator.reuse.past import Found, Past
from orchestrator.reuse.reasons import Reasons, why_dropped, why_unknown
from orchestrator.reuse.touched import Touched

_LEAVE_NOTHING = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST, ResourceType.EXPECTATION})


@dataclass(slots=True)
class Evaluator:
    """Evaluates each node once the outcome of its parents is known: kept as they are, or built."""

    project: Project
    past: Past
    planned: frozenset[NodeId]
    """Nodes whose outcome the caller reports with `leave` or `build`; all others are kept as they are."""
    known: dict[NodeId, str] = field(default_factory=dict)
    """The identity, as its children see it, of each node whose outcome is known."""
    made: dict[NodeId, Fingerprint] = field(default_factory=dict)
    versions: dict[NodeId, SourceVersion] = field(default_factory=dict)
    """The row versions of the dbt sources that have one."""
    unversioned: dict[NodeId, str] = field(default_factory=dict)
    """The dbt sources whose data has no version, each with the reason."""
    running: dict[NodeId, str] = field(default_factory=dict)
    """The nodes that run although nothing changed for them, each with the reason."""
    newest: dict[NodeId, str] = field(default_factory=dict)
    """The newest row of each dbt source, as dbt's freshness check found it."""
    before: "Evaluator | None" = None
    """The evaluator of the plan. Its answers are valid for every node that no step has touched since."""
    answers: dict[NodeId, NodeEvaluation] = field(default_factory=dict)
    _touched: Touched = field(init=False)
    _settled: set[NodeId] = field(default_factory=set)  # the outcome is known: kept or built
    _rebuilt: set[NodeId] = field(default_factory=set)
    definitions: Definitions = field(init=False)

    def __post_init__(self) -> None:
        self._touched = Touched(self.project, self._has_other_rows)
        self.definitions = Definitions(self.project)

    @property
    def comparisons(self) -> dict[NodeId, Comparison]:
        """How each evaluated node compares with its last build."""
        return self.definitions.comparisons

    @property
    def reasons(self) -> Reasons:
        """The describer of changes in words."""
        return Reasons(self.project, self.comparisons, self.running)

    def look(self, node: NodeId, *, compiles: bool = True, asks: bool = False) -> Evaluation:
        """Evaluate a node. It is compiled only if needed and `compiles`; if that queries the warehouse, also `asks`."""
        self._settle_above(node)  # the fingerprint contains the identities of the parents
        answer = self._answered_before(node, compiles=compiles, asks=asks)
        if answer is None:
            answer = NodeEvaluation(evaluation=self._evaluate(node, compiles=compiles, asks=asks), compiled=compiles)
        self.answers[node] = answer
        return answer.evaluation

    def _answered_before(self, node: NodeId, *, compiles: bool, asks: bool) -> NodeEvaluation | None:
        """Return the answer of the plan, if no step has touched anything that it depends on."""
        answer = self.before.answers.get(node) if self.before is not None else None
        if self.before is None or answer is None or (compiles and not answer.compiled):  # compiling may show more
            return None
        if (asks and answer.evaluation.fingerprint.at_run_time is not None) or self._touched.reaches(node):
            return None
        self.made[node] = answer.evaluation.fingerprint
        if node in self.before.comparisons:
            self.comparisons[node] = self.before.comparisons[node]
        return answer

    def _evaluate(self, node: NodeId, *, compiles: bool, asks: bool) -> Evaluation:
        made = self.made[node] = self._made(node)
        dbt = self.project.manifest.nodes.get(node)
        nature = Nature.FOLLOWS if dbt is None else nature_of(dbt)
        found = self._found(node, dbt, made)
        then = found.then
        same_definition = same = False
        if then is not None:
            same_definition = self.definitions.are_same(made, then, compiles=compiles, asks=asks)
            if same_definition:
                made = self.made[node] = made.with_statement(self.definitions.statement(made, then, compiles=compiles))
            is_same_data = data_parts(made) == data_parts(then.fingerprint.with_statement(made.statement))
            same = same_definition and (nature is Nature.SEES_THROUGH or is_same_data)  # a view stores no rows
            if same_definition and not same:
                self.comparisons[node] = replace(self.comparisons[node], verdict=ComparisonVerdict.DIFFERENT)
        unknown = why_unknown(made)
        if same_definition and then is not None and not unknown and self.project.statements is not None:
            unknown = self.project.statements.why_not(made, then.fingerprint)
        no_rows = "" if unknown else self._unknown_rows(node, made)
        waits = still_waits(self.project, made, then) if same_definition and then and not same else ""
        changed = self.reasons.changed(node, same_definition=same_definition) if then and not same and not waits else ""
        hides = no_rows if nature is not Nature.SEES_THROUGH else ""  # a view stores no rows, so it cannot be outdated
        dropped = why_dropped(self.project, node, nature, self._rebuilt)
        why = found.why or unknown or hides or changed or dropped or self.project.why_warned(then)
        # Children must not see a change if the meaning is the same.
        definition = definition_of(then.identity) if same_definition and then is not None else definition_digest(made)
        is_known = not unknown and not no_rows
        steady = is_known and made.at_run_time is None and not found.is_doubted  # equal inputs then give equal rows
        return Evaluation(
            fingerprint=made,
            why=why,
            changed=changed,
            then=then,
            left=self._left(made, found, nature, steady=is_known),
            built=self._built(made, then if same else None, definition, nature, steady=steady),
            definition=definition,
            nature=nature,
            waits=waits,
        )

    def finished(self, evaluation: Evaluation, statement: StatementVerdict | None) -> Evaluation:
        """Add the verdict on the statement of the build; a result that is not understood gets a unique identity."""
        made = evaluation.fingerprint.with_statement(statement)
        if statement is None or statement.is_understood or made.is_declared:
            built = evaluation.built
            if evaluation.nature is Nature.SEES_THROUGH:  # the statement decides which columns of its parents it shows
                built = seen_through(definition_of(built), data_parts(made))
            return replace(evaluation, fingerprint=made, built=built)
        unlike = self._built(made, None, evaluation.definition, evaluation.nature, steady=False)
        return replace(evaluation, fingerprint=made, built=unlike)

    def continued(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation of a node whose build continues with the batches that an earlier run left."""
        made = evaluation.fingerprint
        batches = digest_of(["those that an earlier run left", self.project.run_id])  # no later build has this part
        made = self.made[made.node] = with_built(made, {"batches": batches})
        definition = definition_digest(made)
        built = self._built(made, None, definition, evaluation.nature, steady=False)
        return replace(evaluation, fingerprint=made, definition=definition, built=built)

    def touch(self, step: StepId, *, exists: bool) -> None:
        """Record that a step of the run ran; `exists` if it succeeded."""
        self.project.database.touch(step, exists=exists)
        self._touched.note(step)

    def checked(self, source: NodeId, newest_row: str) -> None:
        """Record the newest row of a dbt source, as a freshness check of the run found it."""
        self.newest[source] = newest_row
        self._touched.note_check(source)

    def _has_other_rows(self, source: NodeId) -> bool:
        before = self.before.versions.get(source) if self.before is not None else None
        return before is None or before != self._version(source)

    def leave(self, node: NodeId, evaluation: Evaluation | None = None) -> None:
        """Record that a node is kept as it is."""
        left = (evaluation or self.look(node, compiles=False)).left  # kept, whatever it compiles to now
        self._settled.add(node)
        if left is not None:  # otherwise its children find that what it holds is not known
            self.known[node] = left

    def lose(self, node: NodeId) -> None:
        """Record that the build of a node ended with an error: what its relation holds is no longer known."""
        self._settled.add(node)

    def build(self, node: NodeId, evaluation: Evaluation) -> None:
        """Record that a node was built in this run."""
        self._settled.add(node)
        self._rebuilt.add(node)  # the database may drop the views on it
        if evaluation.why and not evaluation.changed:  # its children can name no change as the cause, only this reason
            self.running[node] = evaluation.why
        self.known[node] = evaluation.built

    def _settle_above(self, node: NodeId) -> None:
        """Record the outcome of all ancestors that are not planned, parents first."""
        stack = [node]  # not recursive: a long chain of nodes would exceed Python's recursion limit
        while stack:
            missing = [parent for parent in self.project.parents(stack[-1]) if self._is_open(parent)]
            if missing:
                stack += missing
            else:
                settled = stack.pop()
                if settled != node and self._is_open(settled):
                    self._settle(settled)

    def _is_open(self, node: NodeId) -> bool:
        return node not in self._settled and node not in self.planned

    def _settle(self, node: NodeId) -> None:
        if node in self.project.manifest.sources:
            self._settled.add(node)
            version = self._version(node)
            if isinstance(version, SourceVersion):
                self.versions[node] = version
            else:
                self.unversioned[node] = version
        elif has_fingerprint(self.project.manifest.nodes.get(node)):
            self.leave(node)
        else:
            self._settled.add(node)

    def _version(self, source: NodeId) -> SourceVersion | str:
        producers = [one for one in self.project.parents(source) if one in self.project.manifest.nodes]
        if not producers:  # no dbt node writes it, so its rows identify its state
            return self.project.database.version(source, self.newest.get(source))
        for one in producers:
            if one not in self.known:
                return f"what {short_name(one)} holds is not known"
        return SourceVersion(rows=" ".join(self.known[one] for one in producers))

    def _made(self, node: NodeId) -> Fingerprint:
        then = self.past.last_success.get(StepId(node))
        before = None if then is None else then.fingerprint
        return self.project.make(node, self._parents_of(node), self.made, self.versions, before)

    def _parents_of(self, node: NodeId) -> Mapping[NodeId, str]:
        """Return the identities of the parents; for a unit test, which runs first, the one that its model will have."""
        nodes = self.project.manifest.nodes
        dbt = nodes.get(node)
        model = dbt.parents[0] if dbt and dbt.parents and dbt.resource_type is ResourceType.UNIT_TEST else None
        if model is None or model in self._settled or not has_fingerprint(nodes.get(model)):
            return self.known
        return ChainMap({model: self.look(model).built}, self.known)

    def _found(self, node: NodeId, dbt: DbtNode | None, made: Fingerprint) -> Found:
        leaves_nothing = dbt is None or dbt.resource_type in _LEAVE_NOTHING or dbt.is_ephemeral
        if dbt is not None and dbt.resource_type is ResourceType.FUNCTION:
            return Found(why="functions always run")  # dbt creates them in every run
        if dbt is not None and dbt.resource_type is ResourceType.TEST and dbt.placed is not None:
            return self.past.stored_failures(StepId(node), made, dbt.placed)
        return self.past.found(StepId(node), made, None if leaves_nothing or dbt is None else dbt.placed)

    def _unknown_rows(self, node: NodeId, made: Fingerprint) -> str:
        """Return, in words, which parent's rows are not known; empty if all are known."""
        if made.unknown:
            return self._rows_of(min(made.unknown))
        for parent in self.project.parents(node):
            dbt = self.project.manifest.nodes.get(parent)
            if dbt is None or dbt.is_ephemeral or not has_fingerprint(dbt) or parent in self.known:
                continue
            if parent in self._settled:
                unknown = self.made[parent].unknown if parent in self.made else ()
                through = f"{self._rows_of(min(unknown))} (through {short_name(parent)})" if unknown else ""
                return through or self.project.unknown_rows_of(parent)
        return ""

    def _rows_of(self, source: NodeId) -> str:
        why = self.unversioned.get(source, "they have no version")
        return f"the rows of {short_name(source)} may have changed: {why}"

    def _left(self, made: Fingerprint, found: Found, nature: Nature, *, steady: bool) -> str | None:
        is_moved = found.then is not None and found.then.fingerprint.built.get("relation") != made.built.get("relation")
        # The marker of a build that is not in this record was written before its statement had been checked.
        if is_moved or (found.is_elsewhere and not steady):
            return None
        if found.holds is None or nature is not Nature.SEES_THROUGH:
            return found.holds
        names = data_parts(made if found.then is None else found.then.fingerprint)
        now = {name: self._part_now(name, made) for name in names}
        if not steady or None in now.values():
            return None
        return seen_through(definition_of(found.holds), {name: part for name, part in now.items() if part})

    def _part_now(self, name: str, made: Fingerprint) -> str | None:
        if name in made.built:
            return made.built[name]
        parent = NodeId(name.partition(":")[2])
        version = self.versions.get(parent)
        if version is not None:
            return digest_of(version.ids if name.startswith(IDS_OF) else version.rows)
        return self.known.get(parent)

    def _built(
        self, made: Fingerprint, then: LastSuccess | None, definition: str, nature: Nature, *, steady: bool
    ) -> str:
        if not steady or nature is Nature.GATHERS:
            # A node that queries the warehouse while it compiles may compile to something else from the same parts.
            own = definition if made.at_run_time is None else digest_of([definition, self.project.run_id])
            return identity(own, digest_of([made.digest, self.project.run_id]))
        if nature is Nature.SEES_THROUGH:
            return seen_through(definition, data_parts(made))
        return then.identity if then is not None else identity(definition, made.digest)  # `then`: the same result
