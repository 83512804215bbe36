"""Implements `elt dbt …`, and the dbt commands that elt passes to dbt under their own names."""

from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.cli.completion import complete_selection
from orchestrator.cli.shared import assume_yes, consent

PASS_THROUGH = {"ignore_unknown_options": True, "allow_interspersed_args": True, "help_option_names": ["-h", "--help"]}
_NO_HELP = {**PASS_THROUGH, "help_option_names": []}
_PATHS = frozenset({"--state", "--defer-state", "--profiles-dir"})

_project_dir = click.option("--project-dir", metavar="FOLDER", help="The dbt project, or a folder that holds it.")


@click.command("dbt", context_settings=_NO_HELP, add_help_option=False)
@_project_dir
@assume_yes
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="DBT_COMMAND...")
def command(project_dir: str | None, words: tuple[str, ...], *, yes: bool) -> int:
    """Run a dbt command in this project: `elt dbt deps`, `elt dbt debug`, `elt dbt show …`.

    The words go to dbt; what dbt exits with becomes 0, 1 or 2 of elt's table.
    """
    from orchestrator.api import dbt_writer

    writer = dbt_writer(words)
    if writer and not _asks_for_help(words):
        click.echo(f"dbt {writer} is not recorded, and takes no lease on what it writes.", err=True)
    return pass_to_dbt(words or ("--help",), project_dir, yes=yes)


def passed_command(name: str) -> click.Command:
    """Return the verb that passes the dbt command of this name to dbt."""

    @click.command(name, context_settings=_NO_HELP, add_help_option=False)
    @_project_dir
    @assume_yes
    @click.argument(
        "words", nargs=-1, type=click.UNPROCESSED, metavar="[DBT OPTIONS]...", shell_complete=complete_selection
    )
    def verb(project_dir: str | None, words: tuple[str, ...], *, yes: bool) -> int:
        from orchestrator.api import dbt_writer

        writes = dbt_writer((name,)) and not _asks_for_help(words)
        if writes or not {"-q", "--quiet"} & set(words):
            warning = ", which is not recorded and takes no lease on what it writes" if writes else ""
            click.echo(f"elt passes this to dbt: dbt {name}{warning}.", err=True)
        return pass_to_dbt((name, *words), project_dir, yes=yes)

    return verb


def pass_to_dbt(words: tuple[str, ...], project_dir: str | Path | None, *, yes: bool = False) -> int:
    """Run a dbt command in the project, and return the exit code; paths are relative to the working folder."""
    from orchestrator.api import run_dbt

    folder = Path(project_dir).absolute() if project_dir else None
    return run_dbt(tuple(_from_here(words)), folder, consent(yes=yes))


def _asks_for_help(words: tuple[str, ...]) -> bool:
    return bool({"-h", "--help"} & set(words))


def _from_here(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the words with absolute paths, because dbt works in the folder of the project."""
    before = ""
    for word in words:
        name, has_value, value = word.partition("=")
        if before in _PATHS:
            yield str(Path(word).absolute())
        elif name in _PATHS and has_value:
            yield f"{name}={Path(value).absolute()}"
        else:
            yield word
        before = word
