"""What several verbs share: their options, and the way from parsed options to a request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.dbt_options import given, spread

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class DbtCommand(click.Command):
    """A command whose options with several values are written as dbt's are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spread the values before click reads them."""
        return super().parse_args(ctx, spread(args))


allow_empty = click.option("--allow-empty", is_flag=True, help="Let a selection that matches nothing succeed.")


def planning_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a plan is made of."""
    for decorate in reversed(_PLANNING):
        function = decorate(function)
    return function


_PLANNING: tuple[Decorator, ...] = (
    click.option(
        "--upstream",
        type=click.Choice(["auto", "all", "none"]),
        default="auto",
        show_default=True,
        help="Which ancestors of the selection run too: those that are due, all, or none (plain dbt).",
    ),
    click.option("--no-ingest", is_flag=True, help="Load nothing."),
    click.option("--no-freshness", is_flag=True, help="Judge no source's age."),
    click.option("--no-tests", is_flag=True, help="Run no tests and no validations."),
    allow_empty,
)

lock_timeout = click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait for another process that holds the database (60).",
)
project_dir = click.option(
    "--project-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the dbt project; otherwise that of the working folder.",
)
as_json = click.option("--json", "json_lines", is_flag=True, help="Write JSON for programs.")


def request_options(context: click.Context) -> dict[str, Any]:
    """Give the fields of a request that every verb fills in the same way."""
    params = context.params
    profiles_dir = params.get("profiles_dir")
    project_dir = params.get("project_dir")
    return {
        "words": tuple(context.obj or ()),
        "dbt_options": given(context),
        "select": tuple(params.get("select") or ()),
        "exclude": tuple(params.get("exclude") or ()),
        "has_selector": bool(params.get("selector")),
        "project_dir": Path(project_dir).absolute() if project_dir else None,
        "profiles_dir": Path(profiles_dir).absolute() if profiles_dir else None,
    }
