"""Implements `elt explain`: shows what a node's result depends on."""

from typing import Any

import click

from orchestrator.cli.completion import complete_nodes
from orchestrator.cli.dbt_options import LIST, dbt_options
from orchestrator.cli.placing_options import placing, prefixed_loads, schema_prefix
from orchestrator.cli.shared import JsonDbtCommand, as_json, request_options


@click.command("explain", cls=JsonDbtCommand)
@click.argument("node", shell_complete=complete_nodes)
@dbt_options(LIST, selecting=False)
@schema_prefix
@prefixed_loads
@as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Show what the result of NODE depends on, now and at its last success in this target.

    NODE is a name or an id of dbt: a model, a seed, a snapshot, a test.
    """
    from orchestrator.api import Command, show_explanation

    return show_explanation(
        Command(**placing(options), **request_options(context)), options["node"], as_json=options["json_lines"]
    )
