"""Implements `elt show`: shows one recorded run."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_runs
from orchestrator.cli.shared import as_json, project_dir


@click.command("show")
@click.argument("run", required=False, shell_complete=complete_runs)
@project_dir
@as_json
def command(run: str | None, project_dir: Path | None, *, json_lines: bool) -> int:
    """Show a run (by default the last): how it began, its steps with times and reasons, and its first causes.

    RUN is the id of a run, or its beginning.
    """
    from orchestrator.history import show_run

    return show_run(project_dir, run, as_json=json_lines)
