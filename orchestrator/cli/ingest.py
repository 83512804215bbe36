"""`elt ingest`: loads alone."""

from typing import Any

import click

from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.run import run_verb
from orchestrator.cli.shared import DbtCommand, allow_empty, as_json, attempt_options, lock_timeout


@click.command("ingest", cls=DbtCommand)
@dbt_options(BUILD)
@allow_empty
@lock_timeout
@attempt_options
@as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Load the named dlt resources (`ingest:flights`), or those that feed the named nodes; all without a selection."""
    return run_verb("ingest", context, options)
