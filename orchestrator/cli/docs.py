"""`elt docs generate` and `elt docs serve`: dbt's documentation site."""

from pathlib import Path

import click

from orchestrator.cli.dbt import PASS_THROUGH


@click.group("docs")
def command() -> None:
    """Generate or serve the dbt docs."""


def _verb(name: str, help_text: str) -> click.Command:
    @click.command(name, context_settings=PASS_THROUGH, help=help_text)
    @click.option("--project-dir", metavar="FOLDER", help="The dbt project, or a folder that holds it.")
    @click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[DBT OPTIONS]...")
    def verb(project_dir: str | None, words: tuple[str, ...]) -> int:
        from orchestrator.api import run_dbt

        return run_dbt(("docs", name, *words), Path(project_dir).absolute() if project_dir else None)

    return verb


command.add_command(_verb("generate", "Write catalog.json and the site; --static makes it one page."))
command.add_command(_verb("serve", "Serve the generated site (--port, --no-browser)."))
