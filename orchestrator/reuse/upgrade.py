"""Finds what other releases of dbt, its adapter, the database or elt make a run rebuild (pure)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.reuse.fingerprints.compare import Change, Comparison, ComparisonVerdict
from orchestrator.reuse.fingerprints.make import FINGERPRINTED
from orchestrator.reuse.last_success import LastSuccess

OF_RELEASES = frozenset({"adapter", "python"})
"""The parts of a fingerprint that only the releases of the tools determine."""
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
    releases_unknown: int = 0
    """The number of nodes that the upgrade rebuilds, although their run was deleted, or records the installed releases.

    A run records the releases of the process that ended it: it may have been continued after the upgrade.
    """

    @property
    def upgraded(self) -> frozenset[NodeId]:
        """The nodes that were last built with other releases."""
        return frozenset(one.step.node for one in self.of(RebuildCause.UPGRADE, RebuildCause.BOTH))

    def of(self, *causes: RebuildCause) -> tuple[RebuiltNode, ...]:
        """Return the nodes that are rebuilt for one of these causes."""
        return tuple(one for one in self.rebuilt if one.cause in causes)


def preview_of(
    plan: Plan,
    last_success: Mapping[StepId, LastSuccess],
    comparisons: Mapping[NodeId, Comparison],
    words: Callable[[NodeId, Change], str],
    compiled: Callable[[NodeId, str], CodeComparison],
    releases: tuple[ReleaseChange, ...],
) -> UpgradePreview:
    """Return what the decided plan rebuilds, and why.

    `compiled` compares the code of a node with that of a run. It is asked only about nodes that the upgrade concerns.
    """
    rebuilt, reused = [], 0
    for step in plan.steps:
        if not isinstance(step, BuildStep | TestStep) or step.decision is None:
            continue
        if step.resource_type not in FINGERPRINTED:  # dbt builds nothing for an exposure or a saved query
            continue
        if step.decision.act not in _REBUILT:
            reused += 1
            continue
        then, comparison = last_success.get(step.id), comparisons.get(step.node)
        if then is None or comparison is None:
            rebuilt.append(RebuiltNode(step=step, cause=RebuildCause.NEVER_BUILT))
            continue
        others = tuple(words(step.node, change) for change in _others(comparison))
        cause = _cause(comparison, others)
        if cause is RebuildCause.OTHER and not others and step.decision.words:
            others = (step.decision.words,)
        concerns = cause in {RebuildCause.UPGRADE, RebuildCause.BOTH}
        code = compiled(step.node, then.run_id) if concerns else CodeComparison.UNKNOWN
        rebuilt.append(RebuiltNode(step=step, cause=cause, changes=others, run_id=then.run_id, compiled=code))
    return UpgradePreview(releases=releases, rebuilt=tuple(rebuilt), reused=reused)


def release_changes(
    built_with: Mapping[NodeId, Mapping[str, str]], installed: Mapping[str, str]
) -> tuple[ReleaseChange, ...]:
    """Return the tools of which nodes were built with another release, by the versions that their runs recorded."""
    others = Counter(
        (tool, before)
        for versions in built_with.values()
        for tool, before in versions.items()
        if before != installed.get(tool)
    )
    return tuple(
        ReleaseChange(tool=tool, before=before, now=installed.get(tool, ""), nodes=nodes)
        for (tool, before), nodes in sorted(others.items())
    )


def differing(built_with: Mapping[NodeId, Mapping[str, str]], installed: Mapping[str, str]) -> frozenset[NodeId]:
    """Return the nodes of which a tool has another version now than the one that their runs recorded."""
    return frozenset(
        node
        for node, versions in built_with.items()
        if any(before != installed.get(tool) for tool, before in versions.items())
    )


def _others(comparison: Comparison) -> Iterator[Change]:
    return (change for change in comparison.changes if change.part not in OF_RELEASES and not _is_above(change))


def _cause(comparison: Comparison, others: tuple[str, ...]) -> RebuildCause:
    parts = {change.part for change in comparison.changes}
    if not parts.isdisjoint(OF_RELEASES):
        return RebuildCause.BOTH if others else RebuildCause.UPGRADE
    if others or comparison.verdict is ComparisonVerdict.SAME:
        return RebuildCause.OTHER
    return RebuildCause.ABOVE


def _is_above(change: Change) -> bool:
    """Return whether a change comes from a parent node, and not from the rows of a dbt source."""
    return change.part.startswith("parent:") and not change.part.startswith("parent:source.")
