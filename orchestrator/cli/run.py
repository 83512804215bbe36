"""`elt run`, and `elt build`, which is the same."""

from typing import Any

import click

from orchestrator.cli.dbt_options import BUILD, dbt_options
from orchestrator.cli.shared import (
    DbtCommand,
    as_json,
    attempt_options,
    limits,
    lock_timeout,
    planning_options,
    request_options,
    shadow_reuse,
    skip_unchanged,
    verify_reuse,
)


@click.command("run", cls=DbtCommand)
@dbt_options(BUILD)
@planning_options
@skip_unchanged
@shadow_reuse
@verify_reuse
@lock_timeout
@attempt_options
@as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Load, build and check what is selected and what it needs; halt what is downstream of a failure.

    Answers to `dbt build`, with ingestion before it and freshness and validations as gates.
    """
    return run_verb("build", context, options)


def run_verb(verb: str, context: click.Context, options: dict[str, Any]) -> int:
    """Run one of the verbs that execute a plan; gives the exit code."""
    from orchestrator.api import Command, Upstream, Verb, run_and_report
    from orchestrator.cli.output import chosen_output

    asked = Command(
        verb=Verb(verb),
        upstream=Upstream(options.get("upstream") or "auto"),
        ingest=not options.get("no_ingest"),
        freshness=not options.get("no_freshness"),
        tests=not options.get("no_tests"),
        allow_empty=bool(options.get("allow_empty")),
        skip_unchanged=bool(options.get("skip_unchanged")),
        shadow_reuse=bool(options.get("shadow_reuse")),
        verify_reuse=options.get("verify_reuse"),
        **limits(options),
        **request_options(context),
    )
    return run_and_report(asked, chosen_output(options), color=options.get("use_colors"))
