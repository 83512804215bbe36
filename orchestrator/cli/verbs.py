"""Lists the verbs of `elt` by the groups of its help; each is imported when it is called."""

import importlib

import click

_GROUPS = {
    "Run": {
        "run": ("run_verb", "Load, build and check what is selected and what it needs."),
        "build": ("run_verb", "The same as run: like dbt build."),
        "ingest": ("ingest_verb", "Load the named dlt resources, or those that feed the named nodes."),
        "test": ("test_verb", "Run tests and validations on existing tables: like dbt test."),
        "freshness": ("freshness_verb", "Check the age of sources: like dbt source freshness."),
        "seed": ("seed_verb", "Load seeds alone, recorded: like dbt seed."),
        "snapshot": ("snapshot_verb", "Take snapshots alone, recorded: like dbt snapshot."),
        "resume": ("resume_verb", "Continue a run that was interrupted or is not green."),
        "retry": ("retry_verb", "Run again, with today's code, what did not succeed in a run."),
        "cancel": ("cancel_verb", "End a run from anywhere, as after Ctrl-C."),
        "adopt": ("adopt_verb", "Adopt tables that plain dbt built, if they are proven to be right."),
    },
    "Run on a schedule": {
        "schedule": ("schedule_verb", "Show the schedules of elt.yml, and run them when they are due."),
    },
    "Look before a run": {
        "plan": ("plan_verb", "Show what a run would do, in which order, and why."),
        "ls": ("ls_verb", "List what a selection names: like dbt ls."),
        "explain": ("explain_verb", "Show what the result of a node depends on, and what has changed."),
    },
    "Look at recorded runs": {
        "history": ("history_verb", "List the recorded runs, or delete old ones."),
        "show": ("show_verb", "Show one run: its steps, times and reasons. With --select or --inline: dbt show."),
        "logs": ("logs_verb", "Show what happened in a run, or to one node of it."),
        "notify": ("notify_verb", "Show who is notified of a run, test a destination, show what was sent."),
        "sql": ("sql_verb", "Query the record of runs in SQL."),
    },
    "dbt": {
        "docs": ("docs_verb", "Generate or serve the dbt docs."),
        "dbt": ("dbt_verb", "Run any dbt command in this project: elt dbt COMMAND."),
    },
}
VERBS = {
    verb: (f"orchestrator.cli.{module}", line) for group in _GROUPS.values() for verb, (module, line) in group.items()
}
"""The module of each verb, and its line in the help."""

PASSED = ("compile", "parse", "deps", "debug", "clean", "clone", "run-operation", "init")
"""dbt's commands that are passed to dbt under their own names."""

_SAME = {("list",): "ls", ("source", "freshness"): "freshness", ("source", "snapshot-freshness"): "freshness"}
"""dbt's names for verbs of elt."""

_SHOW_OF_DBT = ("--select", "-s", "--models", "--model", "-m", "--selector", "--exclude", "--inline", "--inline-direct")
"""Options that only `dbt show` takes; it shows rows of a model or a query, not a run."""


class Verbs(click.Group):
    """Imports a verb's module when it is called; `elt --help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs in the order of the help."""
        return [*VERBS, *PASSED]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """Return one verb, imported on demand."""
        if cmd_name in PASSED:
            return _passed(cmd_name)
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb, also by dbt's name for it; the error for an unknown verb suggests similar ones."""
        for words, verb in _SAME.items():
            if tuple(args[: len(words)]) == words:
                return super().resolve_command(ctx, [verb, *args[len(words) :]])
        if args[0] == "show" and any(word.partition("=")[0] in _SHOW_OF_DBT for word in args):
            return "show", _passed("show"), args[1:]
        known = [*VERBS, *PASSED]
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=known, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write the groups of verbs without importing them."""
        for group, verbs in _GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(verb, line) for verb, (_, line) in verbs.items()])
        with formatter.section("Passed to dbt under their own names"):
            formatter.write_text(", ".join(PASSED))


def _passed(name: str) -> click.Command:
    from orchestrator.cli.dbt_verb import passed_command

    return passed_command(name)
