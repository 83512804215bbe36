"""Implements `elt logs`: shows the events of a recorded run, in order."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_runs_and_steps
from orchestrator.cli.json_errors import JsonCommand
from orchestrator.cli.shared import as_json, project_dir


@click.command("logs", cls=JsonCommand)
@click.argument("words", nargs=-1, metavar="[RUN] [NODE]", shell_complete=complete_runs_and_steps)
@project_dir
@as_json
def command(words: tuple[str, ...], project_dir: Path | None, *, json_lines: bool) -> int:
    """Show the events of a run (by default the last), or of one node of it, in order.

    A single word is a run, or, if no run begins with it, a node of the last run.
    """
    from orchestrator.recorded_runs import show_log

    if len(words) > 2:
        raise click.UsageError("elt logs takes at most one run and one node.")
    return show_log(project_dir, words, as_json=json_lines)
