"""An expression selects what it selects in dbt, asked of `ls` and of the plan."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.agreement.projects import project_names, write_project
from tests.agreement.selection_answers import agree
from tests.agreement.selection_corpus import Expression, corpus_of
from tests.agreement.selection_folders import Folders
from tests.agreement.selection_sides import EltCommands
from tests.agreement.sides import dbt
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional
MAIN = "transit"
CORPORA = {project: corpus_of(project) for project in project_names()}
STATELESS = [expression for expression in CORPORA[MAIN].expressions if expression.state is None]
CHANGED = [expression for expression in CORPORA[MAIN].expressions if expression.state is not None]
ELSEWHERE = [one for name, corpus in CORPORA.items() if name != MAIN for one in corpus.expressions]
FoldersOf = Callable[[str], Folders]


@pytest.fixture(scope="class")
def folders_of(tmp_path_factory: pytest.TempPathFactory) -> FoldersOf:
    """The folders of each project, shared by the tests of one class, which run on one worker."""
    return cache(lambda project: Folders(CORPORA[project], tmp_path_factory.mktemp(project)))


def _named(expression: Expression) -> str:
    return f"{expression.project}: {expression}".encode("ascii", "replace").decode()


@pytest.mark.parametrize("expression", SWEEP.share(STATELESS, smoke=28), ids=_named)
class TestOverTheMainProject:
    """Every method, operator, set, selector, type and mode."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` gives the nodes of `dbt ls`, in its order, and refuses what dbt refuses."""
        agree(expression, *folders_of(MAIN).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` has exactly the nodes that `dbt build` would run."""
        agree(expression, *folders_of(MAIN).planned(expression))


@pytest.mark.parametrize("expression", SWEEP.share(CHANGED, smoke=13), ids=_named)
class TestOverWhatChanged:
    """A state that was saved, with its results and the age of its sources, and known edits since."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` compares with the state as `dbt ls` does."""
        agree(expression, *folders_of(MAIN).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` compares with the state as `dbt build` does."""
        agree(expression, *folders_of(MAIN).planned(expression))


@pytest.mark.parametrize("expression", SWEEP.share(ELSEWHERE, smoke=17), ids=_named)
class TestOverTheOtherProjects:
    """What the other projects have of their own: packages, names, batches, files, metrics of metrics."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` gives the nodes of `dbt ls`, in its order, and refuses what dbt refuses."""
        agree(expression, *folders_of(expression.project).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` has exactly the nodes that `dbt build` would run."""
        agree(expression, *folders_of(expression.project).planned(expression))


def test_the_corpus_has_at_least_three_hundred_expressions() -> None:
    """Over all the projects; `make proof` evaluates every one."""
    assert len(STATELESS) + len(CHANGED) + len(ELSEWHERE) >= 300


def test_a_type_that_cannot_be_built_is_omitted(tmp_path: Path) -> None:
    """`--resource-type source seed`: dbt breaks off at the first source; elt plans the seeds, and lists both."""
    folder = write_project("everything", tmp_path / "project")
    types = ("--resource-type", "source", "--resource-type", "seed")
    assert dbt(folder, "build", *types).exit_code == 2
    elt = EltCommands(folder)
    planned, listed = elt.planned(types, {}), elt.listed(types, {})
    assert planned.nodes == ("seed.everything.countries",), planned.said
    assert len(listed.nodes) == 5, listed.said
