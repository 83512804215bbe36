"""Implements `elt test`: tests and validations of existing tables."""

from typing import Any

import click

from orchestrator.cli.dbt_options import TEST, dbt_options
from orchestrator.cli.placing_options import prefixed_loads, schema_prefix
from orchestrator.cli.run_verb import run_verb
from orchestrator.cli.shared import RunCommand, allow_empty, attempt_options, events_as_json, lock_timeout, plain


@click.command("test", cls=RunCommand)
@dbt_options(TEST)
@schema_prefix
@prefixed_loads
@allow_empty
@plain
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Run the tests and validations of the selected nodes on the existing tables: nothing is loaded or built.

    Corresponds to `dbt test`, with the expectation suites of the same nodes.
    """
    return run_verb("test", context, options)
