"""Implements `elt run`, and its synonym `elt build`."""

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.placing_options import placing, prefixed_loads, schema_prefix
from orchestrator.cli.shared import (
    RunCommand,
    allow_empty,
    assume_yes,
    attempt_options,
    events_as_json,
    limits,
    lock_timeout,
    plain,
    planning_options,
    request_options,
    shadow_reuse,
    skip_unchanged,
    verify_reuse,
    wait_for,
)

if TYPE_CHECKING:
    from orchestrator.api import Command


@click.command("run", cls=RunCommand)
@dbt_options(BUILD)
@planning_options
@schema_prefix
@prefixed_loads
@skip_unchanged
@plain
@shadow_reuse
@verify_reuse
@wait_for
@assume_yes
@lock_timeout
@attempt_options
@events_as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Load, build and check what is selected and what it needs; halt what is downstream of a failure.

    Corresponds to `dbt build`, with ingestion before it, and source freshness and validations as gates.
    """
    return run_verb("build", context, options)


def one_type_command(resource_type: str, help_text: str) -> click.Command:
    """Return the verb that builds only the nodes of one resource type, like dbt's command of that name."""
    alone = {"upstream": "none", "no_ingest": True, "no_freshness": True, "no_tests": True}
    same = f"elt run --resource-type {resource_type} --upstream none --no-ingest --no-freshness --no-tests"

    @click.command(resource_type, cls=RunCommand, help=f"{help_text}\n\nThe same as `{same}`.")
    @dbt_options(BUILD)
    @schema_prefix
    @allow_empty
    @assume_yes
    @lock_timeout
    @attempt_options
    @events_as_json
    @click.pass_context
    def verb(context: click.Context, /, **options: Any) -> int:
        if not options.get("quiet"):
            from orchestrator.nodes.prefix import Placement

            told = Placement(prefix=options.get("schema_prefix") or "").command(same)
            click.echo(f"elt {resource_type} is a run of its own, recorded and leased: {told}", err=True)
        return run_verb("build", context, {**options, **alone}, ("--resource-type", resource_type))

    verb.params = [one for one in verb.params if one.name not in {"resource_type", "exclude_resource_type"}]
    return verb


def run_verb(verb: str, context: click.Context, options: dict[str, Any], dbt_words: tuple[str, ...] = ()) -> int:
    """Run one of the verbs that execute a plan, with further dbt options; return the exit code."""
    from orchestrator.api import run_and_report
    from orchestrator.cli.output import chosen_output
    from orchestrator.errors import RunSkippedError

    asked = command_from(verb, context, options, dbt_words)
    try:
        return run_and_report(asked, chosen_output(options), color=options.get("use_colors"))
    except RunSkippedError as skipped:
        if not options.get("quiet") and not options.get("json_lines"):
            click.echo(f"Nothing was run. {skipped.message}")
        return skipped.exit_code


def command_from(
    verb: str, context: click.Context, options: dict[str, Any], dbt_words: tuple[str, ...] = ()
) -> "Command":
    """Return what the options of a verb ask for."""
    from orchestrator.api import Command, Upstream, Verb

    return Command(
        verb=Verb(verb),
        upstream=Upstream(options.get("upstream") or "auto"),
        **placing(options),
        freshness=not options.get("no_freshness"),
        tests=not options.get("no_tests"),
        allow_empty=bool(options.get("allow_empty")),
        skip_unchanged=bool(options.get("skip_unchanged")),
        plain=bool(options.get("plain")),
        shadow_reuse=bool(options.get("shadow_reuse")),
        verify_reuse=options.get("verify_reuse"),
        wait_for=tuple(options.get("wait_for") or ()),
        **limits(options),
        **request_options(context, dbt_words),
    )
