"""Decides whether the definition of a node is unchanged: by its parts or, if they do not show it, by compiling it."""

from dataclasses import dataclass, field

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.evaluated_project import Evaluation, Project
from orchestrator.reuse.fingerprints.compare import Comparison, ComparisonVerdict, compare, with_compiled
from orchestrator.reuse.fingerprints.result_identity import as_definition, definition_of
from orchestrator.reuse.fingerprints.value import Fingerprint, StatementVerdict
from orchestrator.reuse.last_success import LastSuccess


@dataclass(slots=True)
class Definitions:
    """Compares the definitions of nodes with those of their last builds. Each node is compiled once."""

    project: Project
    comparisons: dict[NodeId, Comparison] = field(default_factory=dict)
    _compiled: dict[NodeId, str | None] = field(default_factory=dict)

    def are_same(self, now: Fingerprint, then: LastSuccess, *, compiles: bool, asks: bool) -> bool:
        """Return whether a node is defined as in its last build.

        It is compiled only if its parts do not show the answer and `compiles` is set. If compiling queries the
        warehouse, `asks` must be set too.
        """
        whole = compare(now, then.fingerprint)
        # Equal fingerprints have equal definitions.
        found = compare(as_definition(now), as_definition(then.fingerprint)) if whole.changes else whole
        needs = found.verdict is ComparisonVerdict.NEEDS_COMPILING or (asks and now.at_run_time is not None)
        if (
            needs
            and (now.at_run_time is None or asks)
            and found.verdict is not ComparisonVerdict.DIFFERENT
            and compiles
        ):
            found = self._compiled_alike(now, then)
        # The changes are reported in full, even if compiling shows that they make no difference.
        self.comparisons[now.node] = Comparison(verdict=found.verdict, changes=whole.changes)
        return found.verdict is ComparisonVerdict.SAME

    def statement(self, made: Fingerprint, then: LastSuccess, *, compiles: bool) -> StatementVerdict | None:
        """Return the verdict on a node's compiled code: the recorded one, or a new one if none was recorded."""
        statements, recorded = self.project.statements, then.fingerprint.statement
        if not made.has_statement or statements is None:
            return None
        is_valid = recorded is not None and not statements.was_deferred(recorded)
        if made.node in self._compiled:
            code = self._compiled[made.node]
        # Code that queries the warehouse would compile to what it holds now, not to what was built.
        elif is_valid or not compiles or made.at_run_time is not None:
            return recorded
        else:
            code = self._compiled[made.node] = self.project.code.now(made.node)
        return None if code is None else statements.verdict(made.node, code, recorded)

    def verdict(self, evaluation: Evaluation, code: str) -> StatementVerdict | None:
        """Return the verdict on the code that a node was compiled to for its build."""
        if self.project.statements is None:
            return None
        then = evaluation.then
        is_same = then is not None and evaluation.definition == definition_of(then.identity)
        before = then.fingerprint.statement if then is not None and is_same else None
        return self.project.statements.verdict(evaluation.fingerprint.node, code, before)

    def _compiled_alike(self, now: Fingerprint, then: LastSuccess) -> Comparison:
        node, adapter = self.project.manifest.nodes[now.node], self.project.manifest.adapter_type
        before, language = self.project.code.then(now.node, then.run_id), node.definition.language
        if before is None:
            return Comparison(verdict=ComparisonVerdict.NEEDS_COMPILING)
        # Code that depends on queries at compile time may have changed since it was last compiled.
        if now.node not in self._compiled or now.at_run_time is not None:
            self._compiled[now.node] = self.project.code.now(now.node)
        here = with_compiled(as_definition(now), self._compiled[now.node], adapter=adapter, language=language)
        there = with_compiled(as_definition(then.fingerprint), before, adapter=adapter, language=language)
        if here.compiled is None or here.compiled != there.compiled:
            return Comparison(verdict=ComparisonVerdict.DIFFERENT)
        return compare(here, there)  # the compiled code is equal, but other parts may differ
