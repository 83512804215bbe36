"""The project with a node of every kind, and its broken sister, for the tests of the dbt adapter."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from dbt.cli.main import dbtRunner

from orchestrator.adapters.dbt.duckdb_environment import close_environment
from tests.agreement import projects
from tests.agreement.places import inside
from tests.agreement.sides import Side, dbt, elt, steady

__all__ = ["BROKEN", "Side", "Sides", "copied", "dbt", "dbt_lines", "elt", "inside", "steady", "write_project"]
BROKEN = Path(__file__).parent / "broken"


class Sides(NamedTuple):
    """The same project, run by each side."""

    dbt: Side
    elt: Side
    everything_upstream: Side


def write_project(folder: Path, *more: Path) -> Path:
    """Write the project `everything`, with the files of other folders laid over it."""
    projects.write_project("everything", folder)
    for source in more:
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder


def copied(project: Path, folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Copy a project with what was parsed of it, and change, add or (None) remove some files."""
    shutil.copytree(project, folder)
    for name, text in (changes or {}).items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(dedent(text).lstrip())
    return folder


def dbt_lines(folder: Path, *words: str) -> list[str]:
    """List nodes with dbt itself."""
    with inside(folder):
        answer = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "ls", *words])
        close_environment()
    assert answer.success, answer.exception
    return sorted(answer.result)
