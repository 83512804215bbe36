"""Implements `elt cancel`: ends a run from another process."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_runs
from orchestrator.cli.shared import project_dir


@click.command("cancel")
@click.argument("run", required=False, shell_complete=complete_runs)
@project_dir
def command(run: str | None, project_dir: Path | None) -> int:
    """Ask a run (by default the last) to end as after Ctrl-C: running steps are interrupted, and no more start."""
    from orchestrator.recorded_runs import cancel

    return cancel(project_dir, run)
