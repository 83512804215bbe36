"""`elt dbt …`: any other dbt command, passed through."""

from pathlib import Path

import click

PASS_THROUGH = {"ignore_unknown_options": True, "allow_interspersed_args": True, "help_option_names": ["-h", "--help"]}


@click.command("dbt", context_settings={**PASS_THROUGH, "help_option_names": []}, add_help_option=False)
@click.option("--project-dir", metavar="FOLDER", help="The dbt project, or a folder that holds it.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="DBT_COMMAND...")
def command(project_dir: str | None, words: tuple[str, ...]) -> int:
    """Run a dbt command in this project: `elt dbt deps`, `elt dbt debug`, `elt dbt show …`.

    The words go to dbt as they are; what dbt exits with becomes 0, 1 or 2 of elt's table.
    """
    from orchestrator.api import run_dbt

    return run_dbt(words or ("--help",), Path(project_dir).absolute() if project_dir else None)
