"""An expression selects what it selects in dbt, asked of `ls` and of the plan."""

import os
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

pytestmark = pytest.mark.functional
MAIN = "transit"
CORPORA = {project: corpus_of(project) for project in project_names()}
ASKED_IN_TURN = 1 if os.environ.get("WHOLE_CORPUS") else 4
"""The ordinary suite asks every fourth of the main project's expressions, `make agreement` all of them."""
STATELESS = [expression for expression in CORPORA[MAIN].expressions if expression.state is None][::ASKED_IN_TURN]
CHANGED = [expression for expression in CORPORA[MAIN].expressions if expression.state is not None]
ELSEWHERE = [one for name, corpus in CORPORA.items() if name != MAIN for one in corpus.expressions]
FoldersOf = Callable[[str], Folders]


@pytest.fixture(scope="class")
def folders_of(tmp_path_factory: pytest.TempPathFactory) -> FoldersOf:
    """The folders of each project, shared by the tests of one class, which run on one worker."""
    return cache(lambda project: Folders(CORPORA[project], tmp_path_factory.mktemp(project)))


def _named(expression: Expression) -> str:
    return f"{expression.project}: {expression}".encode("ascii", "replace").decode()


@pytest.mark.parametrize("expression", STATELESS, ids=_named)
class TestOverTheMainProject:
    """Every method, operator, set, selector, type and mode."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` gives the nodes of `dbt ls`, in its order, and refuses what dbt refuses."""
        agree(expression, *folders_of(MAIN).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` has exactly the nodes that `dbt build` would run."""
        agree(expression, *folders_of(MAIN).planned(expression))


@pytest.mark.parametrize("expression", CHANGED, ids=_named)
class TestOverWhatChanged:
    """A state that was saved, with its results and the age of its sources, and known edits since."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` compares with the state as `dbt ls` does."""
        agree(expression, *folders_of(MAIN).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` compares with the state as `dbt build` does."""
        agree(expression, *folders_of(MAIN).planned(expression))


@pytest.mark.parametrize("expression", ELSEWHERE, ids=_named)
class TestOverTheOtherProjects:
    """What the other projects have of their own: packages, names, batches, files, metrics of metrics."""

    def test_ls_lists_what_dbt_lists(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt ls` gives the nodes of `dbt ls`, in its order, and refuses what dbt refuses."""
        agree(expression, *folders_of(expression.project).listed(expression))

    def test_the_plan_has_the_nodes_that_dbt_builds(self, folders_of: FoldersOf, expression: Expression) -> None:
        """`elt plan --upstream none` has exactly the nodes that `dbt build` would run."""
        agree(expression, *folders_of(expression.project).planned(expression))


def test_at_least_two_hundred_expressions_are_asked() -> None:
    """Over all the projects, also in the ordinary suite."""
    assert len(STATELESS) + len(CHANGED) + len(ELSEWHERE) >= 200


def test_a_type_that_cannot_be_built_is_left_out(tmp_path: Path) -> None:
    """`--resource-type source seed`: dbt breaks off at the first source; elt plans the seeds, and lists both."""
    folder = write_project("everything", tmp_path / "project")
    types = ("--resource-type", "source", "--resource-type", "seed")
    assert dbt(folder, "build", *types).exit_code == 2
    elt = EltCommands(folder)
    planned, listed = elt.planned(types, {}), elt.listed(types, {})
    assert planned.nodes == ("seed.everything.countries",), planned.said
    assert len(listed.nodes) == 5, listed.said
