"""`elt sql`: questions in SQL to the record of runs."""

from pathlib import Path

import click

from orchestrator.cli.shared import as_json, project_dir


@click.command("sql")
@click.argument("statement")
@project_dir
@as_json
def command(statement: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """Ask the record of runs: the views history_runs, history_steps, history_parts and history_events.

    The connection cannot write.
    """
    from orchestrator.history import run_sql

    return run_sql(project_dir, statement, as_json=json_lines)
