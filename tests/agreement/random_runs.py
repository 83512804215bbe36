"""Draws random projects by seed, runs each with dbt and with elt, and says on what the two disagree."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.agreement.compare import disagreements
from tests.agreement.places import surrounded
from tests.agreement.projects import run_sql
from tests.agreement.random_files import shared_files, write_files, write_random_project
from tests.agreement.random_nodes import Project, Way
from tests.agreement.random_projects import random_projects
from tests.agreement.random_sql import growth_sql
from tests.agreement.sides import PARSED, Side, dbt, elt, in_one_place

_QUICKER = {"DBT_LOG_LEVEL_FILE": "none"}
"""A third of the time that dbt needs for so small a project goes into its log."""
CASES_A_SEED = 1_000_000
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drawn project: the seed and the number that draw it again."""

    seed: int
    number: int
    project: Project

    @property
    def name(self) -> str:
        """What to type after `python -m tests.agreement` to see it again."""
        return f"random --seed {self.seed} --case {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """What both sides did with one project."""

    dbt: Side
    elt: Side

    def disagreements(self) -> tuple[str, ...]:
        """Say on what they disagree."""
        if not self.dbt.records() and self.dbt.exit_code == 0 and self.elt.exit_code == 2:
            return ()  # declared: where dbt finds nothing to do, elt says so
        return tuple(disagreements(self.dbt, self.elt))

    def strays(self) -> tuple[str, ...]:
        """Name the unit tests that elt ran though their model is not selected, which dbt passes over."""
        theirs = self.dbt.words()
        only_elt = [one for one in self.elt.words() if one.startswith("unit_test.") and one not in theirs]
        known = self.elt.document("manifest")["unit_tests"] if only_elt else {}
        return tuple(
            sorted({known[one]["name"] for one in only_elt if known[one]["depends_on"]["nodes"][0] not in theirs})
        )


class Shared:
    """The folder with what all random projects share, parsed once; each project is laid over a copy of it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, *, halting_hooks: bool) -> Path:
        """Give the parsed folder."""
        folder = self._root / f"shared-{halting_hooks}"
        if not folder.exists():
            write_files(folder, shared_files(halting_hooks=halting_hooks))
            parsed = dbt(folder, "parse")
            assert parsed.exit_code == 0, parsed.trouble
            for left in (folder / "target").iterdir():
                if left.name != PARSED.name:
                    left.unlink()
        return folder


def draw_case(seed_of_all: int, number: int) -> Case:
    """Draw one case: the same for the same seed and number, whichever cases were drawn before."""
    drawn: list[Project] = []

    # the first example of a strategy is always its simplest, the second is a random one
    @seed(seed_of_all * CASES_A_SEED + number)
    @settings(max_examples=2, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=QUIET)
    @given(random_projects())
    def keep(project: Project) -> None:
        drawn.append(project)

    keep()
    return Case(seed=seed_of_all, number=number, project=drawn[-1])


def run_case(project: Project, shared: Shared, folder: Path) -> Both:
    """Write a project and run it with dbt and with elt, each in a folder of its own.

    Where that differs as is declared, it is run again without what differs: unit tests whose model is not selected,
    and tests that did not pass in the run before and are not selected now, which keep a gate of elt closed.
    """
    both, not_passed = _run_project(project, shared, folder)
    closing = sorted(not_passed[one] for one in not_passed.keys() - both.elt.words().keys())
    differing = (*(f"unit_test:{name}" for name in both.strays()), *closing)
    if not differing:
        return both
    way = replace(project.way, exclude=(*project.way.exclude, *differing))
    return _run_project(replace(project, way=way), shared, folder / "without-what-differs")[0]


_NOT_PASSED = frozenset({"fail", "error"})


def _not_passed(run: Both) -> dict[str, str]:
    """Give the names of the data tests that did not pass, by their ids."""
    found = [one for one, word in run.elt.words().items() if one.startswith("test.") and word in _NOT_PASSED]
    known = run.elt.document("manifest")["nodes"] if found else {}
    return {one: known[one]["name"] for one in found}


def _run_project(project: Project, shared: Shared, folder: Path) -> tuple[Both, dict[str, str]]:
    """Run a project, and return what came of it, and the tests that did not pass in the run before, if there is one."""
    theirs = write_random_project(project, shared.folder(halting_hooks=project.halting_hooks), folder / "dbt")
    ours = shutil.copytree(theirs, folder / "elt")
    not_passed = dict[str, str]()
    with surrounded(_QUICKER):
        if project.way.again:
            not_passed = _not_passed(_run(Way(), theirs, ours))
            for one in (theirs, ours):
                run_sql(one, growth_sql(project))
                (one / "target" / "run_results.json").unlink(missing_ok=True)
        return _run(project.way, theirs, ours), not_passed


def run_random_projects(cases: int, seed: int, first: int = 0) -> Iterator[tuple[Case, tuple[str, ...]]]:
    """Run so many cases of a seed, from the number `first` on, and give each with what the tools disagree on."""
    with TemporaryDirectory() as scratch:
        shared = Shared(Path(scratch))
        for number in range(first, first + cases):
            case = draw_case(seed, number)
            folder = Path(scratch) / f"case-{number}"
            yield case, run_case(case.project, shared, folder).disagreements()
            shutil.rmtree(folder)


def _run(way: Way, theirs: Path, ours: Path) -> Both:
    selected = ("--select", *way.select) if way.select else ()
    excluded = ("--exclude", *way.exclude) if way.exclude else ()
    by_dbt, by_elt = in_one_place(
        (theirs, lambda place: dbt(place, "build", *way.options, *selected, *excluded)),
        (ours, lambda place: elt(place, *way.options, select=way.select, exclude=way.exclude)),
    )
    if not (theirs / "target" / "manifest.json").exists():
        raise ValueError(f"dbt does not take the project that was drawn: {by_dbt.trouble}")
    return Both(dbt=by_dbt, elt=by_elt)
