"""Draws random projects by seed, runs each with dbt and with elt, and says on what the two disagree."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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
from tests.agreement.sides import Side, dbt, elt

_PARSED = Path("target") / "partial_parse.msgpack"
_QUICKER = {"DBT_LOG_LEVEL_FILE": "none"}
"""A third of the time that dbt needs for so small a project goes into its log."""
_CASES_A_SEED = 1_000_000
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


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
                if left.name != _PARSED.name:
                    left.unlink()
        return folder


def draw_case(seed_of_all: int, number: int) -> Case:
    """Draw one case: the same for the same seed and number, whichever cases were drawn before."""
    drawn: list[Project] = []

    # the first example of a strategy is always its simplest, the second is a random one
    @seed(seed_of_all * _CASES_A_SEED + number)
    @settings(max_examples=2, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=_QUIET)
    @given(random_projects())
    def keep(project: Project) -> None:
        drawn.append(project)

    keep()
    return Case(seed=seed_of_all, number=number, project=drawn[-1])


def run_case(project: Project, shared: Shared, folder: Path) -> Both:
    """Write a project and run it with dbt and with elt, each in a folder of its own; elt reads what dbt parsed."""
    theirs = write_random_project(project, shared.folder(halting_hooks=project.halting_hooks), folder / "dbt")
    ours = shutil.copytree(theirs, folder / "elt")
    with surrounded(_QUICKER):
        if project.way.again:
            _run(Way(), theirs, ours)
            for one in (theirs, ours):
                run_sql(one, growth_sql(project))
                (one / "target" / "run_results.json").unlink(missing_ok=True)
        return _run(project.way, theirs, ours)


def run_random_projects(cases: int, seed: int) -> Iterator[tuple[Case, tuple[str, ...]]]:
    """Draw and run so many cases of a seed, and give each with what the tools disagree on."""
    with TemporaryDirectory() as scratch:
        shared = Shared(Path(scratch))
        for number in range(cases):
            case = draw_case(seed, number)
            folder = Path(scratch) / f"case-{number}"
            yield case, run_case(case.project, shared, folder).disagreements()
            shutil.rmtree(folder)


def told(case: Case, found: Sequence[str], folder: Path) -> str:
    """Tell of a case on which the tools disagree: how to see it again, what is wrong with it, where its files are."""
    lines = [f"python -m tests.agreement {case.name}", f"way: {case.project.way}"]
    lines += [f"wrong on purpose: {defect}" for defect in case.project.defects()]
    lines += [f"both sides are in: {folder}", *found]
    return "\n".join(lines)


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

    @seed(case.seed * _CASES_A_SEED + case.number)
    @settings(
        max_examples=2,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=_QUIET,
    )
    @given(random_projects())
    def search(project: Project) -> None:
        if disagree(project):
            smallest[0] = project
            raise AssertionError

    with suppress(AssertionError):
        search()
    return smallest[0]


def _run(way: Way, theirs: Path, ours: Path) -> Both:
    selected = ("--select", *way.select) if way.select else ()
    excluded = ("--exclude", *way.exclude) if way.exclude else ()
    by_dbt = _in_one_place(theirs, lambda place: dbt(place, "build", *way.options, *selected, *excluded))
    if not (theirs / "target" / "manifest.json").exists():
        raise ValueError(f"dbt does not take the project that was drawn: {by_dbt.trouble}")
    shutil.copy(theirs / _PARSED, ours / _PARSED)
    by_elt = _in_one_place(ours, lambda place: elt(place, *way.options, select=way.select, exclude=way.exclude))
    return Both(dbt=by_dbt, elt=by_elt)


def _in_one_place(folder: Path, act: Callable[[Path], Side]) -> Side:
    """Run a side where the other one runs too: what dbt parsed names the folder in which it did."""
    place = folder.rename(folder.with_name("project"))
    try:
        return replace(act(place), folder=folder)
    finally:
        place.rename(folder)
