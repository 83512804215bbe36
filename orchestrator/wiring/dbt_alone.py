"""What needs dbt alone: no graph, no warehouse of ours, no ingestion."""

from pathlib import Path

from orchestrator.adapters.dbt.listing import list_lines
from orchestrator.adapters.dbt.passthrough import run_command
from orchestrator.adapters.dbt.selector import DbtSelector
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.adapters.dlt.extra import require_installed
from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import MissingExtraError

_WITHOUT_PROJECT = frozenset({"init", "--version", "-V", "-v"})


def list_with_dbt(
    settings: Settings,
    dbt_args: tuple[str, ...],
    selection: tuple[tuple[str, ...], tuple[str, ...]],
    output: str,
    keys: tuple[str, ...],
    *,
    known_to_dbt: tuple[str, ...] = (),
) -> tuple[str, ...] | None:
    """Answer `dbt ls` for (select, exclude) without a graph: nothing but dbt's part is opened.

    None when one of the names of `known_to_dbt` means nothing to dbt: it may be that of a load.
    """
    session = DbtSession(settings.dbt_project_dir)
    try:
        session.open(dbt_args)
        session.parse()
        selector = DbtSelector(session)
        if not all(selector.matching((name,)) for name in known_to_dbt):
            return None
        nodes = selector.select(select=selection[0], exclude=selection[1])
        return list_lines(session, nodes, output, keys)
    finally:
        session.close()


def dbt_command(words: tuple[str, ...], project_dir: Path | None) -> int:
    """Run any dbt command in the project and give its exit code; some commands need none."""
    if words[0] in _WITHOUT_PROJECT or set(words) & {"--help", "-h"}:
        return run_command(words, project_dir or Path.cwd())
    return run_command(words, load_settings(project_dir).dbt_project_dir)


def can_ingest() -> bool:
    """Say whether the extra for ingestion is installed."""
    try:
        require_installed()
    except MissingExtraError:
        return False
    return True
