"""Tells of a random project on which the tools disagree: how to see it again, its files, a smaller one like it."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hypothesis import Phase, given, seed, settings

from tests.agreement.random_files import drawn_files
from tests.agreement.random_nodes import Project
from tests.agreement.random_projects import random_projects
from tests.agreement.random_runs import CASES_A_SEED, QUIET, Case, Shared, draw_case, run_case
from tests.agreement.random_sql import raw_sql


def told(case: Case, found: Sequence[str], folder: Path) -> str:
    """Tell of a case on which the tools disagree: how to see it again, what is wrong with it, where its files are."""
    lines = [f"python -m tests.agreement {case.name}", f"way: {case.project.way}"]
    lines += [f"wrong on purpose: {defect}" for defect in case.project.defects()]
    lines += [f"both sides are in: {folder}", *found]
    return "\n".join(lines)


def try_case(seed: int, number: int, folder: Path, *, smaller: bool = False) -> tuple[list[str], bool]:
    """Run one case in a new folder and give the lines to print, and whether the tools agree.

    With `smaller`, a case on which they disagree is told as the smallest project found on which they do so too.
    """
    case, shared = draw_case(seed, number), Shared(folder)
    found = run_case(case.project, shared, folder / "case").disagreements()
    lines = told(case, found, folder / "case").splitlines()
    if found and smaller:
        project = shrunk(case, shared, folder)
        lines += ["", "smaller:", f"way: {project.way}", *project.defects()]
        for name, text in {**drawn_files(project), "raw tables": raw_sql(project)}.items():
            lines += [f"--- {name}", text]
        lines += run_case(project, shared, folder / "smaller").disagreements()
    return lines, not found


def shrunk(case: Case, shared: Shared, root: Path, tries: int = 40) -> Project:
    """Look for a smaller project on which the tools disagree too, by so many runs of both at most."""
    known: dict[Project, bool] = {}

    def disagree(project: Project) -> bool:
        if project not in known and len(known) < tries:
            folder = root / f"try-{len(known)}"
            known[project] = bool(run_case(project, shared, folder).disagreements())
            shutil.rmtree(folder)
        return known.get(project, False)

    smallest = [case.project]

    @seed(case.seed * CASES_A_SEED + case.number)
    @settings(
        max_examples=2,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=QUIET,
    )
    @given(random_projects())
    def search(project: Project) -> None:
        if disagree(project):
            smallest[0] = project
            raise AssertionError

    with suppress(AssertionError):
        search()
    return smallest[0]
