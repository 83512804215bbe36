"""Implements `elt notify`: who is notified of runs, and whether it reaches them."""

from pathlib import Path

import click

from orchestrator.cli.completion import complete_destinations, complete_runs
from orchestrator.cli.shared import as_json, project_dir


@click.group("notify")
def command() -> None:
    """Show and test notifications. Runs send them on their own, as elt.yml says: see docs/notifications.md."""


@command.command("test")
@click.argument("destination", shell_complete=complete_destinations)
@project_dir
@as_json
def test_command(destination: str, project_dir: Path | None, *, json_lines: bool) -> int:
    """Send a test message to DESTINATION, a name of elt.yml, at once."""
    from orchestrator.notifying import send_test

    return send_test(project_dir, destination, as_json=json_lines)


@command.command("preview")
@click.argument("run", required=False, shell_complete=complete_runs)
@project_dir
@as_json
def preview_command(run: str | None, project_dir: Path | None, *, json_lines: bool) -> int:
    """Show what each destination is sent about a run (by default the last), and why or why not; send nothing.

    RUN is the id of a run, or its beginning.
    """
    from orchestrator.notifying import show_preview

    return show_preview(project_dir, run, as_json=json_lines)


@command.command("status")
@project_dir
@as_json
def status_command(project_dir: Path | None, *, json_lines: bool) -> int:
    """Show what has not recovered, what could not be sent, the last messages, and the pings of each schedule."""
    from orchestrator.notifying import show_status

    return show_status(project_dir, as_json=json_lines)


@command.command("send", hidden=True)
@click.option("--unrecorded", help="What happened, if the store could not record it.")
@project_dir
def send_command(unrecorded: str | None, project_dir: Path | None) -> int:
    """Send what waits. Runs start this on their own."""
    from orchestrator.notifying import send_notices

    return send_notices(project_dir, unrecorded)
