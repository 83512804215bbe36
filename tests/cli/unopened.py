"""A project of which nothing was opened yet, for what is decided before."""

from contextlib import ExitStack
from pathlib import Path

from orchestrator.adapters.dbt.dbt_project import DbtProject
from orchestrator.config.settings import Settings
from orchestrator.execution.inbox import Inbox
from orchestrator.graph.build import build_graph
from orchestrator.masking import Masker
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.target import Target
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.wiring.open_project import OpenProject


def unopened(settings: Settings, target: Target) -> OpenProject:
    """Return a project without nodes, with this target."""
    manifest = Manifest(project_name="shop", adapter_type=target.adapter, dbt_version="1.11", nodes={}, sources={})
    flags = DbtFlags(profiles_dir=Path())
    snapshot = ProjectSnapshot(settings=settings, target=target, flags=flags, graph=build_graph(manifest), suites={})
    return OpenProject(
        snapshot=snapshot,
        dbt=DbtProject(settings.dbt_project_dir),
        inbox=Inbox(),
        lock_timeout=1.0,
        masker=Masker(),
        resources=ExitStack(),
        hear=lambda _notice: None,
    )
