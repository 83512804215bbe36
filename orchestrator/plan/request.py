"""Defines the input of a plan: a selection, and how far to go beyond it."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.nodes.identity import NodeId, ResourceType


class Upstream(StrEnum):
    """Which ancestors of the selection are added to the plan."""

    AUTO = "auto"  # those that are due; all of them if nothing is recorded
    ALL = "all"
    NONE = "none"  # as in plain dbt


class Verb(StrEnum):
    """The purpose of the plan."""

    BUILD = "build"
    INGEST = "ingest"  # only the loads that are named, or that feed what is named
    TEST = "test"  # data tests, unit tests and suites on the existing relations
    FRESHNESS = "freshness"  # only the freshness of the named dbt sources


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A resolved selection with its options; ids in its sets that are not in the graph are an error."""

    verb: Verb = Verb.BUILD
    selected: frozenset[NodeId]
    """dbt's answer, including tests from indirect selection; dbt sources in it count as named."""
    direct: frozenset[NodeId]
    """The part of it without indirect selection; the plan adds the ancestors of this part."""
    excluded: frozenset[NodeId] = frozenset()
    deferred: frozenset[NodeId] = frozenset()
    ingest_selected: frozenset[NodeId] = frozenset()
    suites_selected: frozenset[NodeId] = frozenset()
    steps_selected: frozenset[NodeId] = frozenset()
    resource_types: frozenset[ResourceType] | None = None
    """The only types that may be added, if the user named any."""
    upstream: Upstream = Upstream.AUTO
    ingest: bool = True
    freshness: bool = True
    tests: bool = True
    """Whether tests, unit tests and suites are part of the plan."""
    skip_nodes_if_on_run_start_fails: bool = False
    freshness_runs_hooks: bool = False
    """Whether dbt also runs its hooks around a freshness check that builds nothing."""
    hooks_after_ingest: bool = False
    """Whether the on-run-start hooks wait for the loads."""
    own_steps: bool = True
    """Whether the steps of one's own may run: they act outside of the schemas that a prefix keeps apart."""
