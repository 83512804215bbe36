"""Implements `elt retry`: runs again what did not succeed."""

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


@click.command("retry", cls=RunCommand)
@click.argument("run", required=False, shell_complete=complete_runs)
@repeated_options
@schema_prefix
@assume_yes
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, run: str | None, **options: Any) -> int:
    """Run again, with today's code, what did not succeed in a run (by default the last).

    Failed steps run, and the steps that they halted. Of what is upstream of these, what has changed runs too. This also
    works after a crash.
    """
    from orchestrator.api import Command
    from orchestrator.cli.output import chosen_output
    from orchestrator.continued_runs import retry_and_report

    again = Command(schema_prefix=options["schema_prefix"] or "", **limits(options), **request_options(context))
    return retry_and_report(run, again, chosen_output(options), color=options.get("use_colors"))
