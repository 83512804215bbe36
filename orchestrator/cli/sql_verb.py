"""Implements `elt sql`: queries the record of runs in SQL."""

from pathlib import Path

import click

from orchestrator.cli.json_errors import JsonCommand
from orchestrator.cli.shared import as_json, project_dir

_HELP = """Query the record of runs: one STATEMENT of SQL, on a connection that cannot write.

The views are:

\b
history_runs          a row for each run
history_steps         a row for each step of a run, with its last attempt
history_attempts      a row for each attempt of a step
history_parts         a row for each part of a step: a loaded table, an expectation, a batch
history_fingerprints  a row for each node that ended in a run: what its result depends on
history_events        a row for each event, in the order in which it was recorded

For example: elt sql "select name, message from history_steps where status = 'fail'"
"""


@click.command("sql", cls=JsonCommand, help=_HELP)
@click.argument("statement")
@project_dir
@as_json
def command(statement: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """Query the record of runs."""
    from orchestrator.recorded_runs import run_sql

    return run_sql(project_dir, statement, as_json=json_lines)
