"""Implements `elt freshness`: checks the age of sources."""

from typing import Any

import click

from orchestrator.cli.dbt_options import FRESHNESS, dbt_options
from orchestrator.cli.placing_options import prefixed_loads, schema_prefix
from orchestrator.cli.run_verb import run_verb
from orchestrator.cli.shared import RunCommand, allow_empty, attempt_options, events_as_json, lock_timeout


@click.command("freshness", cls=RunCommand)
@dbt_options(FRESHNESS)
@schema_prefix
@prefixed_loads
@allow_empty
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Check the age of the selected sources, and write sources.json.

    Corresponds to `dbt source freshness`. Sources without `loaded_at_field` are checked by their last dlt load.
    """
    return run_verb("freshness", context, options)
