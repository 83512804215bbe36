"""Implements `elt plan`: shows what a run would do."""

from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.placing_options import prefixed_loads, schema_prefix
from orchestrator.cli.run_verb import command_from
from orchestrator.cli.shared import (
    JsonDbtCommand,
    as_json,
    lock_timeout_of_plan,
    plain,
    planning_options,
    skip_unchanged,
    verify_reuse,
)

_WITH_SCHEDULE = frozenset({"schedule", "project_dir", "json_lines", "verbose", "lock_timeout", "use_colors"})


@click.command("plan", cls=JsonDbtCommand)
@dbt_options(BUILD)
@planning_options
@schema_prefix
@prefixed_loads
@skip_unchanged
@plain
@verify_reuse
@lock_timeout_of_plan
@as_json
@click.option("--verbose", is_flag=True, help="Show every step, also of a plan that builds hundreds of nodes.")
@click.option(
    "--upgrade-preview",
    is_flag=True,
    help="Show what the installed releases of dbt, its adapter, the database and elt make a run rebuild, and why.",
)
@click.option("--schedule", metavar="NAME", help="Show what the next run of a schedule would do, with its options.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Show every step that `elt run` with the same options would take, in order, with its reason."""
    from orchestrator.api import show_plan, show_upgrade

    if options["schedule"]:
        return _plan_of_schedule(context, options)
    asked = command_from("build", context, options)
    if options["upgrade_preview"]:
        return show_upgrade(asked, as_json=options["json_lines"])
    return show_plan(asked, as_json=options["json_lines"], verbose=options["verbose"])


def _plan_of_schedule(context: click.Context, options: dict[str, Any]) -> int:
    from orchestrator.api import show_plan
    from orchestrator.cli.schedule_verb import command_of
    from orchestrator.schedules.schedule_heading import schedule_heading

    for param in context.command.params:
        is_given = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if is_given and param.name not in _WITH_SCHEDULE:
            raise click.UsageError(f"{param.opts[0]} is set by the schedule: give it without --schedule.")
    heading = schedule_heading(options["project_dir"], options["schedule"])
    asked = replace(command_of(heading.words, options["project_dir"]), scheduled=heading.time)
    return show_plan(
        asked,
        as_json=options["json_lines"],
        verbose=options["verbose"],
        heading=heading.lines,
        details={"schedule": heading.document},
    )
