"""Defines the steps of a plan: a closed union of frozen values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, assert_never

from orchestrator.nodes.dlt import names_of_load
from orchestrator.nodes.identity import NO_OPS, NodeId, Relation, ResourceType
from orchestrator.nodes.own_step import OwnCall
from orchestrator.plan.decision import Decision

StepId = NewType("StepId", str)
"""The id of the node if a step has one node; `ingest.<pipeline>` for a load; `freshness.<source id>`; `hook.<when>`."""


class Why(StrEnum):
    """Why a step is in the plan."""

    SELECTED = "selected"
    NEEDED = "needed"  # an ancestor of a selected node
    FEEDS = "feeds"  # loads a table that the plan reads
    CHECKS = "checks"  # checks a planned node: a test, a suite or a freshness gate
    HOOK = "hook"
    FAILED = "failed"  # in the run that is retried
    HALTED = "halted"  # did not run, or not to its end, in the run that is retried
    CHANGED = "changed"  # succeeded in the run that is retried, and its code has changed since
    GONE = "gone"  # succeeded in the run that is retried, and its table was dropped since
    FOLLOWS = "follows"  # succeeded in the run that is retried, and is between one of these and an unsuccessful step


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a step is in the plan, and for which node."""

    why: Why
    of: NodeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """The fields of every step."""

    id: StepId
    name: str
    path: str
    parents: tuple[StepId, ...] = ()
    """Steps that must succeed first: a halting status of one of them halts this step."""
    after: tuple[StepId, ...] = ()
    """Steps that must end first, whatever their status."""
    reads: tuple[Relation, ...] = ()
    writes: tuple[Relation, ...] = ()
    pool: str | None = None
    """The pool whose limit the step counts towards, besides that of its kind."""
    priority: int | None = None
    """Of the steps that can start, those with a higher priority start first; None counts as 0."""
    cause: Cause
    decision: Decision | None = None
    """What the step does when its parents have ended; None means that it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStep(_Step):
    """Loads the named resources of one dlt pipeline."""

    source: str
    module: str
    attribute: str
    pipeline: str
    dataset: str
    working_dir: str | None
    resources: tuple[str, ...]
    """Empty if the source cannot list its resources: all of it is then loaded."""
    nodes: tuple[NodeId, ...]
    feeds: tuple[NodeId, ...] = ()
    """The dbt sources whose tables it loads."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the load or of one of its resources, without a prefix."""
        return names_of_load(self.source, self.pipeline, self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep(_Step):
    """Has dbt build one node: a model, seed, snapshot, function, or a no-op such as an exposure."""

    node: NodeId
    resource_type: ResourceType
    materialized: str | None
    added: bool = False
    """Whether the planner added it: `--full-refresh` applies only to named nodes."""
    continues_on_error: bool = False
    """Whether the steps that wait for it run although it ended with an error."""

    @property
    def is_no_op(self) -> bool:
        """Whether dbt does nothing for the node, and so leaves nothing that could be reused."""
        return self.resource_type in NO_OPS


@dataclass(frozen=True, slots=True, kw_only=True)
class TestStep(_Step):
    """Has dbt run one data test or unit test."""

    __test__ = False  # pytest would otherwise collect the class because of its name

    node: NodeId
    resource_type: ResourceType
    severity: str
    of_model: NodeId | None = None
    """Of a unit test: the model that it tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessStep(_Step):
    """Checks the age of the rows of one dbt source: a gate."""

    node: NodeId
    by_load: bool
    """Whether the age is that of the last dlt load that brought rows, because dbt has no query for it."""
    warn_after_seconds: float | None = None
    error_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationStep(_Step):
    """Validates one relation against an expectation suite: a gate."""

    suite: str
    node: NodeId
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStep(_Step):
    """Has dbt run its on-run-start or on-run-end hooks."""

    when: str
    """`start` or `end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStep(_Step):
    """Does what a step of elt.yml says: a command, an HTTP call or a Python function."""

    node: NodeId
    call: OwnCall
    env: tuple[str, ...] = ()
    """The environment variables that it needs."""
    inputs: tuple[str, ...] | None = None
    """The files that its result depends on; None if that is unknown, so that it always runs."""
    feeds: tuple[NodeId, ...] = ()
    """The dbt sources that it fills."""


Step = IngestStep | BuildStep | TestStep | FreshnessStep | ValidationStep | HookStep | OwnStep


def node_of(step: Step) -> NodeId | None:
    """Return the node that dbt builds or tests in the step; None for any other step."""
    match step:
        case BuildStep() | TestStep():
            return step.node
        case IngestStep() | FreshnessStep() | ValidationStep() | HookStep() | OwnStep():
            return None
        case _:
            assert_never(step)


def is_check(step: Step) -> bool:
    """Return whether the step checks what was built: a test or a validation."""
    match step:
        case TestStep() | ValidationStep():
            return True
        case IngestStep() | BuildStep() | FreshnessStep() | HookStep() | OwnStep():
            return False
        case _:
            assert_never(step)


def is_hook(step: Step, when: str = "") -> bool:
    """Return whether the step runs dbt's hooks: those of `start` or `end`, or any."""
    match step:
        case HookStep():
            return when in {"", step.when}
        case IngestStep() | BuildStep() | TestStep() | FreshnessStep() | ValidationStep() | OwnStep():
            return False
        case _:
            assert_never(step)
