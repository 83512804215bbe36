"""Finds what other releases of dbt, its adapter, the database or elt make a run rebuild (pure)."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.reuse.fingerprints.compare import DATABASE_SETTING, Change, Comparison, ComparisonVerdict
from orchestrator.reuse.last_success import LastSuccess

OF_RELEASES = frozenset({"adapter", "python"})
"""The parts of a fingerprint that only the releases of the tools determine."""
_DATABASES = frozenset({"duckdb"})
_REBUILT = frozenset({Act.RUN, Act.IF_CHANGED})


class CodeComparison(StrEnum):
    """How the code that a node compiles to now compares with that of its last build."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class RebuildCause(StrEnum):
    """Why a node is rebuilt."""

    UPGRADE = "upgrade"
    """Only because of the releases."""
    BOTH = "both"
    """Something else has changed too."""
    ABOVE = "above"
    """Because of a node above it alone."""
    OTHER = "other"
    """It would be rebuilt without the upgrade."""
    IF_CHANGED = "if_changed"
    """Nothing has changed so far; it is rebuilt if the run changes what it reads."""
    NEVER_BUILT = "never_built"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChange:
    """A tool of which nodes were built with another release than the installed one."""

    tool: str
    before: str
    now: str
    """Empty if the tool is not installed any more."""
    nodes: int
    """The number of nodes that were last built with the release `before`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltNode:
    """A node that `elt run --skip-unchanged` would build or test again."""

    step: BuildStep | TestStep
    cause: RebuildCause
    changes: tuple[str, ...] = ()
    """What has changed besides the releases, in words."""
    run_id: str = ""
    """The run that built it last."""
    compiled: CodeComparison = CodeComparison.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradePreview:
    """What is rebuilt after an upgrade."""

    releases: tuple[ReleaseChange, ...]
    rebuilt: tuple[RebuiltNode, ...]
    """In the order of the plan."""
    reused: int
    """The number of nodes and checks that are not run again."""

    def of(self, *causes: RebuildCause) -> tuple[RebuiltNode, ...]:
        """Return the nodes that are rebuilt for one of these causes."""
        return tuple(one for one in self.rebuilt if one.cause in causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """With which releases nodes were last built, and which are installed."""

    built_with: Mapping[NodeId, Mapping[str, str]]
    installed: Mapping[str, str]
    """The installed tools that results depend on; those of other databases, for example, are not among them."""
    tools: frozenset[str]
    """The names of all such tools, also of those that are not installed any more."""

    def other(self, node: NodeId) -> frozenset[str]:
        """Return the tools with another release of which a node was last built."""
        before = self.built_with.get(node, {})
        return frozenset(
            tool for tool, number in before.items() if tool in self.tools and number != self.installed.get(tool)
        )

    def changes(self, planned: Collection[NodeId]) -> tuple[ReleaseChange, ...]:
        """Return the tools of which planned nodes were built with another release."""
        others = Counter(
            (tool, self.built_with[node][tool])
            for node in self.built_with
            if node in planned
            for tool in self.other(node)
        )
        return tuple(
            ReleaseChange(tool=tool, before=before, now=self.installed.get(tool, ""), nodes=nodes)
            for (tool, before), nodes in sorted(others.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeFacts:
    """What the preview is made from."""

    last_success: Mapping[StepId, LastSuccess]
    comparisons: Mapping[NodeId, Comparison]
    releases: Releases
    words: Callable[[NodeId, Change], str]
    compiled: Callable[[NodeId, str], CodeComparison]
    """Compares the code of a node with that of a run; asked only about nodes that the upgrade concerns."""

    def preview(self, plan: Plan) -> UpgradePreview:
        """Return what the decided plan rebuilds, and why."""
        rebuilt, reused = [], 0
        for step in plan.steps:
            if not isinstance(step, BuildStep | TestStep) or step.decision is None:
                continue
            if isinstance(step, BuildStep) and step.is_no_op:
                continue
            if step.decision.act in _REBUILT:
                rebuilt.append(self._rebuilt(step, step.decision))
            else:
                reused += 1
        releases = self.releases.changes({NodeId(step.id) for step in plan.steps})
        return UpgradePreview(releases=releases, rebuilt=tuple(rebuilt), reused=reused)

    def _rebuilt(self, step: BuildStep | TestStep, decision: Decision) -> RebuiltNode:
        then, comparison = self.last_success.get(step.id), self.comparisons.get(step.node)
        if then is None:
            return RebuiltNode(step=step, cause=RebuildCause.NEVER_BUILT)
        upgraded = self.releases.other(step.node)
        if comparison is None:  # what the relation holds now is not that build's, so nothing was compared
            cause = RebuildCause.BOTH if upgraded else RebuildCause.OTHER
            return RebuiltNode(step=step, cause=cause, changes=(decision.words,), run_id=then.run_id)
        concerns = _is_of_releases(comparison)
        code = self.compiled(step.node, then.run_id) if concerns else CodeComparison.UNKNOWN
        is_same = code is CodeComparison.SAME
        others = _others(comparison, upgraded, compiles_to_the_same=is_same)
        changes = tuple(self.words(step.node, change) for change in others)
        cause = _cause(comparison, changes)
        if cause is RebuildCause.OTHER and decision.act is Act.IF_CHANGED:
            cause = RebuildCause.IF_CHANGED
        if not changes and cause in {RebuildCause.OTHER, RebuildCause.IF_CHANGED} and decision.words:
            changes = (decision.words,)
        return RebuiltNode(step=step, cause=cause, changes=changes, run_id=then.run_id, compiled=code)


def _others(comparison: Comparison, upgraded: frozenset[str], *, compiles_to_the_same: bool) -> Iterator[Change]:
    """Yield the changes of a node that come neither from the releases nor from a node above it."""
    # Each release of a database has settings and defaults of its own.
    has_new_settings = not upgraded.isdisjoint(_DATABASES)
    # Each release of dbt has keys of its own in the entries of nodes. The compiled code shows whether they matter.
    of_releases = OF_RELEASES | {"metadata"} if compiles_to_the_same and "dbt-core" in upgraded else OF_RELEASES
    for change in comparison.changes:
        is_new_setting = has_new_settings and change.part.startswith(DATABASE_SETTING)
        if change.part not in of_releases and not is_new_setting and not _is_above(change):
            yield change


def _is_of_releases(comparison: Comparison) -> bool:
    return any(change.part in OF_RELEASES for change in comparison.changes)


def _cause(comparison: Comparison, others: tuple[str, ...]) -> RebuildCause:
    if _is_of_releases(comparison):
        return RebuildCause.BOTH if others else RebuildCause.UPGRADE
    if others or comparison.verdict is ComparisonVerdict.SAME:
        return RebuildCause.OTHER
    return RebuildCause.ABOVE


def _is_above(change: Change) -> bool:
    """Return whether a change comes from a parent node, and not from the rows of a dbt source."""
    return change.part.startswith("parent:") and not change.part.startswith("parent:source.")
