"""The project with a node of every kind, and its broken sister, for the tests of the dbt adapter."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from dbt.cli.main import dbtRunner

from orchestrator.adapters.dbt.bridge.access import close_environment
from tests.agreement import projects
from tests.agreement.places import inside
from tests.agreement.sides import Side, dbt, elt, in_one_place, steady

__all__ = ["BROKEN", "Side", "Sides", "both", "copied", "dbt", "dbt_lines", "elt", "inside", "steady", "write_project"]
BROKEN = Path(__file__).parent / "broken"


class Sides(NamedTuple):
    """The same project, run by each side."""

    dbt: Side
    elt: Side
    everything_upstream: Side


def write_project(folder: Path) -> Path:
    """Write the project `everything`."""
    return projects.write_project("everything", folder)


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


def both(
    project: Path,
    root: Path,
    theirs: Callable[[Path], Side],
    ours: Callable[[Path], Side],
    changes: Mapping[str, str | None] | None = None,
) -> tuple[Side, Side]:
    """Run two copies of a project, changed alike, of which dbt parses one."""
    copies = [copied(project, root / name, changes) for name in ("dbt", "elt")]
    first, second = in_one_place((copies[0], theirs), (copies[1], ours))
    return first, second


def dbt_lines(folder: Path, *words: str) -> list[str]:
    """List nodes with dbt itself."""
    with inside(folder):
        answer = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "ls", *words])
        close_environment()
    assert answer.success, answer.exception
    return sorted(answer.result)
