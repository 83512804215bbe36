"""Says what each node is to its children, by what stands: pure but for the code that it asks for where it must."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.execution.recorded import Standing
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.fingerprints.compare import Comparison, Verdict, compare, with_compiled
from orchestrator.plan.fingerprints.value import Fingerprint
from orchestrator.plan.step import StepId


def _not_compiled(_fingerprint: Fingerprint, _standing: Standing) -> tuple[str | None, str | None]:
    return None, None


@dataclass(slots=True, kw_only=True)
class Settlement:
    """Compares fingerprints with what stands, in the order in which they are made.

    Given to `make_fingerprints` as `identity`: a node that compiles to what stands is to its children what it was.
    """

    standing: Mapping[StepId, Standing]
    adapter: str
    languages: Mapping[NodeId, str] = field(default_factory=dict)
    """Of the nodes that are not written in SQL."""
    code: Callable[[Fingerprint, Standing], tuple[str | None, str | None]] = _not_compiled
    """Gives what a node compiles to now, and what it compiled to when it stood; None for what is not known."""
    comparisons: dict[NodeId, Comparison] = field(default_factory=dict)
    """Of every node that stands."""

    def identity(self, fingerprint: Fingerprint) -> str:
        """Give what a node is to its children."""
        then = self.standing.get(StepId(fingerprint.node))
        if then is None:
            return fingerprint.digest
        found = compare(fingerprint, then.fingerprint)
        if found.verdict is Verdict.NEEDS_COMPILING and fingerprint.at_run_time is None:
            found = self._compiled(fingerprint, then)
        self.comparisons[fingerprint.node] = found
        return then.identity if found.verdict is Verdict.SAME else fingerprint.digest

    def _compiled(self, fingerprint: Fingerprint, then: Standing) -> Comparison:
        code_now, code_then = self.code(fingerprint, then)
        language = self.languages.get(fingerprint.node, "sql")
        return compare(
            with_compiled(fingerprint, code_now, adapter=self.adapter, language=language),
            with_compiled(then.fingerprint, code_then, adapter=self.adapter, language=language),
        )
