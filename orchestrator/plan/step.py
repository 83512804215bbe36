"""The steps a plan is made of: a closed union of frozen values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from orchestrator.nodes.dlt import names_of_load
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.decision import Decision

StepId = NewType("StepId", str)
"""The node's id for a step of one node; `ingest.<pipeline>` for a load; `freshness.<source id>`; `hook.<when>`."""


class Why(StrEnum):
    """Why a step is in the plan."""

    SELECTED = "selected"
    NEEDED = "needed"  # an ancestor of what was selected
    FEEDS = "feeds"  # loads a table that the plan reads
    CHECKS = "checks"  # tests, validates or judges a planned node
    HOOK = "hook"
    FAILED = "failed"  # in the run that is repaired
    HALTED = "halted"  # did not run there, or not to its end
    CHANGED = "changed"  # ended well there, and its code is another since
    GONE = "gone"  # ended well there, and what it built was dropped since
    FOLLOWS = "follows"  # ended well there, and lies between one of these and what did not end well


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a step is in the plan, and for which node."""

    why: Why
    of: NodeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What every step has."""

    id: StepId
    name: str
    path: str
    parents: tuple[StepId, ...] = ()
    """Steps that must end well first: a halting status of one halts this step."""
    after: tuple[StepId, ...] = ()
    """Steps that must merely have ended first, however they ended."""
    reads: tuple[Relation, ...] = ()
    writes: tuple[Relation, ...] = ()
    cause: Cause
    decision: Decision | None = None
    """What becomes of it when its turn comes; None: it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStep(_Step):
    """Load the named resources of one dlt pipeline."""

    source: str
    module: str
    attribute: str
    pipeline: str
    dataset: str
    working_dir: str | None
    resources: tuple[str, ...]
    """Empty when the source cannot be listed: then all of it is loaded."""
    nodes: tuple[NodeId, ...]
    feeds: tuple[NodeId, ...] = ()
    """The dbt sources whose tables it loads."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the load, or one of its resources, may be called without a prefix."""
        return names_of_load(self.source, self.pipeline, self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep(_Step):
    """Let dbt build one node: a model, seed, snapshot, function, or a no-op such as an exposure."""

    node: NodeId
    resource_type: ResourceType
    materialized: str | None
    added: bool = False
    """Whether the planner added it: `--full-refresh` acts on what was named only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestStep(_Step):
    """Let dbt run one data test or unit test."""

    __test__ = False  # pytest would collect it by its name

    node: NodeId
    resource_type: ResourceType
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessStep(_Step):
    """Judge the age of one dbt source's rows: a gate."""

    node: NodeId
    by_load: bool
    """Judged by the last dlt load that brought rows, because dbt has nothing to ask."""
    warn_after_seconds: float | None = None
    error_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationStep(_Step):
    """Validate one relation against an expectation suite: a gate."""

    suite: str
    node: NodeId
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStep(_Step):
    """Let dbt run its on-run-start or on-run-end hooks."""

    when: str
    """`start` or `end`."""


Step = IngestStep | BuildStep | TestStep | FreshnessStep | ValidationStep | HookStep


def is_dbt(step: Step) -> bool:
    """Say whether dbt runs the step."""
    match step:
        case BuildStep() | TestStep() | HookStep():
            return True
        case FreshnessStep():
            return not step.by_load
        case IngestStep() | ValidationStep():
            return False
