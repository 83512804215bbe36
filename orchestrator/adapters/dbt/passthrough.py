"""Runs any dbt command in this process, as dbt's own command line does."""

import os
from pathlib import Path

from orchestrator.adapters.dbt.bridge.access import close_environment
from orchestrator.adapters.dbt.bridge.needed import TOOLS
from orchestrator.adapters.dbt.bridge.releases import load_env_file, refuse_v2_parser_of
from orchestrator.adapters.dbt.dbt_duckdb_files import files_of_dbt
from orchestrator.adapters.dbt.profile_errors import missing_folder, missing_profile
from orchestrator.adapters.dbt.project_errors import words as words_of
from orchestrator.adapters.probe import missing_packages
from orchestrator.adapters.versions import require_supported
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import ProjectError
from orchestrator.full_disk import full_disk_error, is_full_disk

_ASKS_DBT_ITSELF = frozenset({"--version", "-V", "-v", "--help", "-h"})
_HANDLED, _UNHANDLED, _USAGE = 1, 2, 2


def run_command(words: tuple[str, ...], project_dir: Path, storage: StorageVersion | None = None) -> int:
    """Run `dbt WORDS` inside the project folder and return elt's exit code.

    dbt's 1 (a node failed) stays 1; exceptions that dbt did not handle, and wrong usage, are 2. DuckDB files that dbt
    creates have the format `storage`. Raises V2ParserError.
    """
    require_supported(*TOOLS)
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    if os.environ.get("NO_COLOR"):
        os.environ.setdefault("DBT_USE_COLORS", "false")
    came_from = Path.cwd()
    os.chdir(project_dir)
    load_env_file(project_dir)
    try:
        with missing_packages("dbt-core"):
            from dbt.cli.main import dbtRunner  # dbt looks for .env in the working folder as soon as it is imported

        if _ASKS_DBT_ITSELF.isdisjoint(words):
            refuse_v2_parser_of(words)
        with files_of_dbt(storage):
            answer = dbtRunner().invoke(list(words))
    finally:
        os.chdir(came_from)
        close_environment()
    if answer.exception is not None:
        return _complain(answer.exception, project_dir, words)
    return 0 if answer.success else _HANDLED


def command_in(words: tuple[str, ...]) -> str | None:
    """Return the dbt command that dbt's command line finds in the words; None if it finds none."""
    import click
    from dbt.cli.main import cli

    try:
        context = click.Context(cli, info_name="dbt", resilient_parsing=True, **cli.context_settings)
        _, rest, _ = cli.make_parser(context).parse_args(list(words))
        name: str | None = cli.resolve_command(context, rest)[0] if rest else None
    except click.ClickException:
        return None
    return name


def _complain(error: BaseException, project_dir: Path, args: tuple[str, ...]) -> int:
    """Print dbt's exception if dbt has not printed it itself; raise ProjectError if a profile is missing."""
    import click

    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    if missing := _missing(error, project_dir, args):
        raise missing from error
    if is_full_disk(error):
        raise full_disk_error(error, [project_dir]) from error
    if type(error).__name__ == "DbtUsageException":
        click.echo(f"dbt: {error}", err=True)
        return _USAGE
    return _UNHANDLED


def _missing(error: BaseException, project_dir: Path, args: tuple[str, ...]) -> ProjectError | None:
    from dbt.flags import get_flags

    text = words_of(error)
    if type(error).__name__ == "DbtUsageException":  # no other folder is required to exist
        return missing_folder(text, project_dir, args)
    if type(error).__name__ not in {"DbtProfileError", "DbtProjectError"} or "profile" not in text:
        return None
    return missing_profile(text, project_dir, Path(get_flags().PROFILES_DIR), args)
