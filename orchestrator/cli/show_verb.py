"""Implements `elt show`: shows one recorded run."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_runs
from orchestrator.cli.json_errors import JsonCommand
from orchestrator.cli.shared import as_json, project_dir


@click.command("show", cls=JsonCommand)
@click.argument("run", required=False, shell_complete=complete_runs)
@project_dir
@click.option("--events", is_flag=True, help="With --json: the events of the run, as `elt run --json` wrote them.")
@click.option("--follow", is_flag=True, help="With --events: wait for further events until the run ends.")
@click.option("--timings", is_flag=True, help="What each step took and waited for, and the critical path of the run.")
@as_json
def command(
    run: str | None, project_dir: Path | None, *, json_lines: bool, events: bool, follow: bool, timings: bool
) -> int:
    """Show a run (by default the last): how it began, its steps with times and reasons, and its first causes.

    RUN is the id of a run, or its beginning.
    """
    from orchestrator.recorded_runs import show_events, show_run, show_timings

    if follow and not events:
        raise click.UsageError("--follow needs --events --json.")
    if events and not json_lines:
        raise click.UsageError("--events needs --json. For people, `elt logs RUN` shows the events of a run.")
    if timings and events:
        raise click.UsageError("--timings and --events cannot be combined.")
    if timings:
        return show_timings(project_dir, run, as_json=json_lines)
    if events:
        return show_events(project_dir, run, follow=follow)
    return show_run(project_dir, run, as_json=json_lines)
