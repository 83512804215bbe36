"""Defines the options that several verbs share, and converts parsed options to a request."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from orchestrator.cli.dbt_options import given, option_being_filled, spread
from orchestrator.cli.json_errors import JsonErrors
from orchestrator.cli.option_groups import write_options
from orchestrator.cli.placing_options import placing_words
from orchestrator.config.readers import Reader, duration, limit, portion, times
from orchestrator.config.wait_settings import WaitSettings
from orchestrator.config.wait_words import wait_of_words
from orchestrator.debugging import set_debugging
from orchestrator.wording import did_you_mean

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class DbtCommand(click.Command):
    """A command whose options can take several values, as in dbt, and whose help has groups."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spread the values before click parses them; for a stray name, raise an error that explains --select."""
        ctx.meta[_TYPED] = tuple(args)
        try:
            return super().parse_args(ctx, spread(args))
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            names = [word for word in args if not word.startswith("-") and word in error.message]
            selects = any(param.name == "select" for param in self.params)
            if not selects or "unexpected extra argument" not in error.message:
                raise
            meant = did_you_mean([f"{ctx.command_path} --select {' '.join([*names, *placing_words(args)])}"])
            raise click.UsageError(f"{ctx.command_path} takes no names. {meant}", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; dbt's option --debug also switches elt's own debugging on."""
        if ctx.params.get("debug"):
            set_debugging(on=True)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups."""
        write_options(self.get_params(ctx), ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return completions for a further value of an option with several values, else click's completions."""
        name = option_being_filled(ctx.meta.get(_TYPED, ()))
        if name and not incomplete.startswith("-"):
            for param in self.params:
                if name in param.opts:
                    return param.shell_complete(ctx, incomplete)
        return super().shell_complete(ctx, incomplete)


class JsonDbtCommand(JsonErrors, DbtCommand):
    """Such a command that may write JSON."""


class RunCommand(JsonDbtCommand):
    """A verb that runs a plan. With --json, a command line that cannot be understood is an event as well."""

    is_reported_by_its_run = True


_TYPED = "orchestrator.typed"

allow_empty = click.option("--allow-empty", is_flag=True, help="Let a selection that matches nothing succeed.")


def _all_of(*options: Decorator) -> Decorator:
    """Return one decorator that adds several options, in this order in the help."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


planning_options = _all_of(
    click.option(
        "--upstream",
        type=click.Choice(["auto", "all", "none"]),
        default="auto",
        show_default=True,
        help="Which ancestors of the selection run too: those that are due, all, or none (plain dbt).",
    ),
    click.option("--no-ingest", is_flag=True, help="Load nothing."),
    click.option("--no-freshness", is_flag=True, help="Do not check the age of sources."),
    click.option("--no-tests", is_flag=True, help="Run no tests and no validations."),
    allow_empty,
)
"""Adds the options that control what a plan contains."""


skip_unchanged = click.option(
    "--skip-unchanged",
    is_flag=True,
    help="Reuse selected nodes too, if nothing that their results depend on has changed.",
)

plain = click.option(
    "--plain",
    is_flag=True,
    help="Have dbt itself execute every node, also those for which elt can make dbt's statements.",
)

shadow_reuse = click.option(
    "--shadow-reuse",
    is_flag=True,
    help="Run everything; report what --skip-unchanged would have reused, and fail if any of it would be wrong.",
)


class _AsInEltYml(click.ParamType[Any]):
    """A value that is parsed as in elt.yml."""

    def __init__(self, name: str, reader: Reader) -> None:
        """Set the name in error messages of click, and the function that parses a text."""
        self.name = name
        self._reader = reader

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value."""
        try:
            return self._reader(value)
        except ValueError as error:
            self.fail(f"'{value}': {error}", param, ctx)


def _times(value: object) -> int:
    return times(int(str(value)) if str(value).isdecimal() else value)


def _seconds(value: object) -> float:
    return duration(value).total_seconds()


def _run_limit(value: object) -> timedelta:
    return limit(value) or timedelta()


class _Wait(click.ParamType[WaitSettings]):
    """A condition in its short form."""

    name = "condition"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> WaitSettings:
        """Return the condition."""
        try:
            return value if isinstance(value, WaitSettings) else wait_of_words(str(value), Path.cwd())
        except ValueError as error:
            self.fail(str(error), param, ctx)


wait_for = click.option(
    "--wait-for",
    type=_Wait(),
    multiple=True,
    metavar="CONDITION",
    help="Wait until this is true: file:PATH, https://…, sql:QUERY, source:NAME or schedule:NAME; may be repeated."
    " within=1h, every=1m and otherwise=fail|skip|run may follow it.",
)

verify_reuse = click.option(
    "--verify-reuse",
    type=_AsInEltYml("share", portion),
    metavar="SHARE",
    help="Build copies of this share of the reused tables (5%) and compare them; a difference is an error.",
)


attempt_options = _all_of(
    click.option(
        "--on-busy",
        type=click.Choice(["wait", "refuse"]),
        help="What to do while another run works in the same target (wait).",
    ),
    click.option(
        "--repeats",
        type=_AsInEltYml("times", _times),
        metavar="N|none",
        help="How often any step is repeated after a transient error; overrides elt.yml.",
    ),
    click.option(
        "--time-limit",
        type=_AsInEltYml("duration", _run_limit),
        metavar="DURATION|none",
        help="End the run when it takes longer than this: 90s, 30min, 6h.",
    ),
    click.option(
        "--grace",
        type=_AsInEltYml("duration", duration),
        metavar="DURATION",
        help="How long running steps may continue after Ctrl-C, SIGTERM or SIGHUP before they are interrupted (0).",
    ),
)
"""Adds the options for further attempts, time limits, and the end of a run."""

assume_yes = click.option(
    "--yes", is_flag=True, help="Consent, without a question, to what a protected target needs consent for."
)


def consent(*, yes: bool) -> Callable[[str], bool]:
    """Return the function that asks for consent: --yes, a question on a terminal, else no."""

    def answer(question: str) -> bool:
        if yes:
            return True
        is_asked = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
        return is_asked and click.confirm(f"{question} Go on?", default=False, err=True)

    return answer


lock_timeout = click.option(
    "--lock-timeout",
    type=_AsInEltYml("duration", _seconds),
    metavar="DURATION",
    help="How long to wait for another process that holds the database: 90s, 5min (60s).",
)
lock_timeout_of_plan = click.option(
    "--lock-timeout",
    type=_AsInEltYml("duration", _seconds),
    metavar="DURATION",
    help="How long to wait for another process that holds the database, before the plan does without it (0).",
)
project_dir = click.option(
    "--project-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the dbt project; otherwise that of the working folder.",
)
as_json = click.option("--json", "json_lines", is_flag=True, help="Write JSON for programs.")
events_as_json = click.option(
    "--json", "json_lines", is_flag=True, help="Write the events of the run for programs, one JSON object per line."
)


def limits(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request for time limits, waiting and attempts."""
    from orchestrator.api import OnBusy

    return {
        "lock_timeout": options.get("lock_timeout"),
        "on_busy": OnBusy(options["on_busy"]) if options.get("on_busy") else None,
        "repeats": options.get("repeats"),
        "time_limit": options.get("time_limit"),
        "grace": options.get("grace") or timedelta(),
    }


def request_options(context: click.Context, dbt_words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields of a request that every verb fills in the same way; `dbt_words` follow dbt's options."""
    params = context.params
    if params.get("ingest") and not params.get("schema_prefix"):
        # A prefix that was forgotten, or is empty in a script, must not load into production.
        raise click.UsageError(
            "--ingest needs --schema-prefix. Without a prefix, loads run unless --no-ingest is given."
        )
    profiles_dir, project_dir = params.get("profiles_dir"), params.get("project_dir")
    return {
        "words": tuple(context.obj or ()),
        "consents": consent(yes=bool(params.get("yes"))),
        "dbt_options": (*given(context), *dbt_words),
        "select": tuple(params.get("select") or ()),
        "exclude": tuple(params.get("exclude") or ()),
        "has_selector": bool(params.get("selector")),
        "project_dir": Path(project_dir).absolute() if project_dir else None,
        "profiles_dir": Path(profiles_dir).absolute() if profiles_dir else None,
    }
