"""Implements `elt freshness`: checks the age of sources."""

from typing import Any

import click

from orchestrator.cli.dbt_options import FRESHNESS, dbt_options
from orchestrator.cli.run import run_verb
from orchestrator.cli.shared import (
    DbtCommand,
    allow_empty,
    as_json,
    attempt_options,
    lock_timeout,
    prefixed_loads,
    schema_prefix,
)


@click.command("freshness", cls=DbtCommand)
@dbt_options(FRESHNESS)
@schema_prefix
@prefixed_loads
@allow_empty
@lock_timeout
@attempt_options
@as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Check the age of the selected sources, and write sources.json.

    Corresponds to `dbt source freshness`. Sources without `loaded_at_field` are checked by their last dlt load.
    """
    return run_verb("freshness", context, options)
