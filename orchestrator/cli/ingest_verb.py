"""Implements `elt ingest`: runs only loads."""

from typing import Any

import click

from orchestrator.cli.completion import complete_loads
from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.placing_options import schema_prefix
from orchestrator.cli.run_verb import run_verb
from orchestrator.cli.shared import RunCommand, allow_empty, attempt_options, events_as_json, lock_timeout


@click.command("ingest", cls=RunCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_loads)
@dbt_options(BUILD)
@schema_prefix
@allow_empty
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Load what is named, or what feeds the named nodes; all loads without a name.

    NAME is a load or a node, as --select takes it: `ingest:bts`, `ingest:bts.flights`, `bts`, `fct_flights`.
    """
    context.params["select"] = (*(context.params.get("select") or ()), *context.params.pop("names"))
    return run_verb("ingest", context, {**options, "ingest": True})
