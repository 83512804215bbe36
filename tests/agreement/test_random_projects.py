"""Random dbt projects with random defects end in elt as in dbt; `make agreement` runs hundreds more of them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.agreement.random_nodes import Defect, Kind, Project
from tests.agreement.random_runs import Case, Shared, draw_case, run_case
from tests.agreement.random_told import told
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional
SEED, DRAWN = 3, 40
NUMBERS = SWEEP.share(range(24), smoke=8)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What all random projects share, parsed once for all the tests of a process."""
    return Shared(tmp_path_factory.mktemp("random"))


@pytest.mark.parametrize("number", NUMBERS[::2])
class TestSomeRandomProjects:
    def test_a_random_project_ends_as_in_dbt(self, number: int, shared: Shared, tmp_path: Path) -> None:
        """Statuses, failure counts, messages, tables and the exit code are dbt's, whatever is wrong."""
        check(draw_case(SEED, number), shared, tmp_path)


@pytest.mark.parametrize("number", NUMBERS[1::2])
class TestOtherRandomProjects:  # a class of its own is a load of its own for the workers of the suite
    def test_a_random_project_ends_as_in_dbt(self, number: int, shared: Shared, tmp_path: Path) -> None:
        """Statuses, failure counts, messages, tables and the exit code are dbt's, whatever is wrong."""
        check(draw_case(SEED, number), shared, tmp_path)


@cache
def drawn() -> tuple[Project, ...]:
    """Draw projects without running them."""
    return tuple(draw_case(SEED, number).project for number in range(DRAWN))


def parts(project: Project) -> Iterator[object]:
    yield from (*project.nodes, *project.column_tests, *project.singular_tests, *project.unit_tests)


def test_random_projects_hold_every_kind_of_node_and_defect():
    """Each kind of node, defect and failing hook is drawn again and again, in projects of 5 to 30 nodes."""
    assert {node.kind for project in drawn() for node in project.nodes} == set(Kind)
    assert {part.defect for project in drawn() for part in parts(project)} == {None, *Defect}
    assert {hook.when for project in drawn() for hook in project.failing_hooks} == {"start", "end"}
    assert all(5 <= len(project.nodes) <= 30 for project in drawn())
    assert {len(project.defects()) for project in drawn()} == set(range(5))


def test_random_projects_are_run_in_every_way():
    """All of a project or parts of it, with options and without, on an empty warehouse and on a full one."""
    ways = [project.way for project in drawn()]
    assert {bool(way.select) for way in ways} == {bool(way.exclude) for way in ways} == {True, False}
    assert {way.again for way in ways} == {True, False}
    options = {option for way in ways for option in way.options if option.startswith("--")}
    assert options >= {"--full-refresh", "--warn-error", "--indirect-selection", "--resource-type", "--empty"}


def test_the_same_seed_and_number_draw_the_same_case():
    """What a failure names is enough to see it again, whichever cases were drawn before."""
    first = draw_case(5, 7)
    assert draw_case(5, 8).project != first.project
    assert draw_case(5, 7) == first


def check(case: Case, shared: Shared, folder: Path) -> None:
    found = run_case(case.project, shared, folder / "case").disagreements()
    assert not found, told(case, found, folder / "case")
