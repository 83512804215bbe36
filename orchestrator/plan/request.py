"""What a plan is asked for: a selection, and how far to go beyond it."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.nodes.identity import NodeId, ResourceType


class Upstream(StrEnum):
    """Which ancestors of the selection are planned with it."""

    AUTO = "auto"  # those that are due; all of them while nothing is recorded
    ALL = "all"
    NONE = "none"  # plain dbt


class Verb(StrEnum):
    """What the plan is for."""

    BUILD = "build"
    INGEST = "ingest"  # only the loads of what is named, or that feed it
    TEST = "test"  # data tests, unit tests and suites on what stands
    FRESHNESS = "freshness"  # only the age of the named dbt sources


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A resolved selection with its options; ids of sets that the graph does not hold are an error."""

    verb: Verb = Verb.BUILD
    selected: frozenset[NodeId]
    """dbt's answer, tests by indirect selection included; dbt sources among them count as named."""
    direct: frozenset[NodeId]
    """The part of it that needs no indirect selection: its ancestors are what the plan goes upstream for."""
    excluded: frozenset[NodeId] = frozenset()
    deferred: frozenset[NodeId] = frozenset()
    ingest_selected: frozenset[NodeId] = frozenset()
    suites_selected: frozenset[NodeId] = frozenset()
    resource_types: frozenset[ResourceType] | None = None
    """The only types that may be added, when the user named some."""
    upstream: Upstream = Upstream.AUTO
    ingest: bool = True
    freshness: bool = True
    tests: bool = True
    """Whether tests, unit tests and suites take part at all."""
    skip_nodes_if_on_run_start_fails: bool = False
    freshness_runs_hooks: bool = False
    """Whether dbt runs its hooks also around a freshness check that builds nothing."""
    hooks_after_ingest: bool = False
    """Whether dbt's on-run-start hooks wait for the loads."""
