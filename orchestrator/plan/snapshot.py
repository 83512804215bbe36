"""Defines what planning knows of a project, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.config.settings import Settings
from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.suite import SuiteReading
from orchestrator.nodes.target import Target
from orchestrator.selection.resolve import NOTHING_SELECTED, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSnapshot:
    """A project at the moment it was read: settings, target, flags, graph with manifest, and what is selected.

    It refers to nothing that is open. A dbt session is one way to make one.
    """

    settings: Settings
    target: Target
    flags: DbtFlags
    graph: Graph
    """Contains the manifest."""
    suites: Mapping[NodeId, SuiteReading]
    """What each expectation suite reads."""
    kept_types: frozenset[ResourceType] | None = None
    """The resource types that dbt's options keep; None if no option limits them."""
    selection: Selection = NOTHING_SELECTED
