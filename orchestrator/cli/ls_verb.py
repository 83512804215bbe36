"""Implements `elt ls`: lists the nodes of a selection."""

from typing import Any

import click

from orchestrator.cli.dbt_options import LIST, dbt_options
from orchestrator.cli.placing_options import placing, schema_prefix
from orchestrator.cli.shared import JsonDbtCommand, as_json, request_options


@click.command("ls", cls=JsonDbtCommand)
@dbt_options(LIST)
@schema_prefix
@click.option(
    "--output",
    type=click.Choice(["json", "name", "path", "selector"]),
    default="selector",
    show_default=True,
    help="How to write each node.",
)
@as_json
@click.option("--output-keys", "output_keys", multiple=True, metavar="KEY", help="The keys of --output json.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """List the nodes that a selection names, one a line.

    Prints what `dbt ls` prints; `ingest:`, `expectation:` and `step:` select loads, suites and steps of elt.yml.
    --json is short for --output json.
    """
    from orchestrator.api import Command, list_nodes

    keys = [word for key in options["output_keys"] for word in key.split()]
    asked = Command(allow_empty=True, **placing(options), **request_options(context))
    output = "json" if options["json_lines"] else options["output"]
    lines = list_nodes(asked, output=output, output_keys=tuple(keys))
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("Nothing matches the selection.", err=True)
    return 0
