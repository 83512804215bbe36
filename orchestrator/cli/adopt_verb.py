"""Implements `elt adopt`: adopts what plain dbt built."""

from pathlib import Path
from typing import Any

import click

from orchestrator.cli.dbt_options import LIST, dbt_options
from orchestrator.cli.shared import JsonDbtCommand, as_json, lock_timeout, request_options

_READ_ELSEWHERE = frozenset({"state", "defer", "defer_state", "favor_state"})


@click.command("adopt", cls=JsonDbtCommand)
@click.option(
    "--state",
    "artifacts",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The manifest.json and run_results.json of the dbt run that built the tables.",
)
@click.option("--verify", is_flag=True, help="Build a copy of each table that is not proven otherwise, and compare.")
@click.option("--dry-run", is_flag=True, help="Say what would be adopted; write nothing.")
@dbt_options(LIST)
@lock_timeout
@as_json
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Adopt tables, views and seeds that plain dbt built, so that `elt run --skip-unchanged` reuses them.

    Each must be proven to be what a run would build now. No relation is changed.
    """
    from orchestrator.adopted_tables import show_adoption
    from orchestrator.api import Command

    asked = Command(lock_timeout=options["lock_timeout"], **request_options(context))
    return show_adoption(
        asked,
        options["artifacts"].absolute(),
        verify=options["verify"],
        dry_run=options["dry_run"],
        as_json=options["json_lines"],
    )


command.params = [one for one in command.params if one.name not in _READ_ELSEWHERE]  # --state is elt's here, not dbt's
