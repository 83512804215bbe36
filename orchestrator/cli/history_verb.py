"""Implements `elt history`: lists the recorded runs, and deletes old ones."""

from pathlib import Path

import click

from orchestrator.cli.json_errors import JsonGroup
from orchestrator.cli.shared import as_json, assume_yes, consent, project_dir


@click.group("history", cls=JsonGroup, invoke_without_command=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first.")
@project_dir
@as_json
@click.pass_context
def command(context: click.Context, /, limit: int, project_dir: Path | None, *, json_lines: bool) -> int:
    """List the recorded runs, newest first; `elt history prune` deletes old ones."""
    if context.invoked_subcommand is not None:
        return 0
    from orchestrator.recorded_runs import show_history

    return show_history(project_dir, limit=limit, as_json=json_lines)


@command.command("prune")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    help="How many of the newest runs to keep; by default keep_runs of elt.yml, which is 2000 unless it is set.",
)
@assume_yes
@project_dir
def prune_command(keep: int | None, project_dir: Path | None, *, yes: bool) -> int:
    """Delete all but the newest runs from the record. Running ones are kept, and no table is touched."""
    from orchestrator.recorded_runs import prune

    return prune(project_dir, keep=keep, consents=consent(yes=yes))
