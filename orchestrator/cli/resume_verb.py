"""Implements `elt resume`: continues an interrupted run."""

from typing import Any

import click

from orchestrator.cli.completion import complete_runs
from orchestrator.cli.dbt_options import repeated_options
from orchestrator.cli.placing_options import schema_prefix
from orchestrator.cli.shared import (
    RunCommand,
    assume_yes,
    attempt_options,
    events_as_json,
    limits,
    lock_timeout,
    request_options,
)


@click.command("resume", cls=RunCommand)
@click.argument("run", required=False, shell_complete=complete_runs)
@click.option("--accept-changes", is_flag=True, help="Use the current code if it has changed since.")
@repeated_options
@schema_prefix
@assume_yes
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, run: str | None, **options: Any) -> int:
    """Resume a run (by default the last) that was interrupted or did not succeed.

    What succeeded is kept. The rest runs under the same id, with the same plan, variables and selection.
    """
    from orchestrator.api import Command
    from orchestrator.cli.output import chosen_output
    from orchestrator.continued_runs import resume_and_report

    again = Command(schema_prefix=options["schema_prefix"] or "", **limits(options), **request_options(context))
    return resume_and_report(
        run, again, chosen_output(options), accept_changes=options["accept_changes"], color=options.get("use_colors")
    )
