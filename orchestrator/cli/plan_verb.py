"""Implements `elt plan`: shows what a run would do."""

from typing import Any

import click

from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.placing_options import placing, prefixed_loads, schema_prefix
from orchestrator.cli.shared import (
    JsonDbtCommand,
    as_json,
    lock_timeout_of_plan,
    planning_options,
    request_options,
    skip_unchanged,
    verify_reuse,
)


@click.command("plan", cls=JsonDbtCommand)
@dbt_options(BUILD)
@planning_options
@schema_prefix
@prefixed_loads
@skip_unchanged
@verify_reuse
@lock_timeout_of_plan
@as_json
@click.option("--verbose", is_flag=True, help="Show every step, also of a plan that builds hundreds of nodes.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Show every step that `elt run` with the same options would take, in order, with its reason."""
    from orchestrator.api import Command, Upstream, Verb, show_plan

    asked = Command(
        verb=Verb.BUILD,
        upstream=Upstream(options["upstream"]),
        **placing(options),
        freshness=not options["no_freshness"],
        tests=not options["no_tests"],
        allow_empty=options["allow_empty"],
        skip_unchanged=options["skip_unchanged"],
        verify_reuse=options["verify_reuse"],
        lock_timeout=options["lock_timeout"],
        **request_options(context),
    )
    return show_plan(asked, as_json=options["json_lines"], verbose=options["verbose"])
