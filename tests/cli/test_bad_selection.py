"""A selection that matches nothing, or that cannot be understood."""

import shutil

import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize("verb", ["run", "plan", "test"])
def test_similar_names_are_suggested(elt, shop, verb):
    """A name with a letter missing is answered with the names that come near."""
    elt(verb, "--select", "dim_custmers", project=shop).refuses(
        "The selection 'dim_custmers' matches nothing.", "Did you mean 'dim_customers'"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--select", "nope"), "List all names with: elt ls"),
        (("run", "--select", "ingest:nope"), "elt ls --select 'ingest:*'"),
        (("run", "--select", "expectation:nope"), "elt ls --select 'expectation:*'"),
        (("run", "--exclude", "*"), "--exclude '*' leaves nothing."),
        (("run", "--select", "bogus:nope"), "'bogus' is not a valid method name"),
        pytest.param(
            ("run", "--select", "selector:nope"),
            "Use --selector NAME; the method selector: needs dbt 1.12.",
            marks=pytest.mark.skipif(installed_release().selects_by_selector, reason="dbt 1.11"),
        ),
        (("run", "--select", "@stg_orders+"), "Invalid node spec"),
        (("run", "--selector", "nope"), "No selector is called nope. The project has no selectors."),
        (("ingest",), "There is nothing to load"),
        (("freshness",), "There is no freshness to check"),
    ],
)
def test_a_selection_that_matches_nothing(elt, shop, words, told):
    """Each says what to do next."""
    elt(*words, project=shop).refuses(told)


@pytest.mark.parametrize(
    "words",
    [("run", "--select", "nope"), ("test", "--select", "nope"), ("ingest",), ("freshness",), ("plan", "-s", "x")],
)
def test_an_empty_selection_can_be_allowed(elt, shop, words):
    """With --allow-empty it is a success with one line."""
    said = elt(*words, "--allow-empty", project=shop)
    assert (said.code, said.out) == (0, "Nothing to do: no step follows from the selection.\n")


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_an_unchanged_project_is_not_an_error(elt, tmp_path, verb):
    """state: that matches nothing because nothing changed is a success with one line."""
    shop = write_shop(tmp_path)
    assert elt("dbt", "--quiet", "parse", project=shop).code == 0
    shutil.copytree(shop / "target", shop / "old")
    said = elt(verb, "--select", "state:modified", "--state", shop / "old", project=shop)
    assert (said.code, said.err) == (0, "")
    assert said.out == "Nothing to do: state:modified matches nothing, because nothing changed.\n"


def test_ls_of_nothing(elt, shop):
    """As in dbt, listing nothing is a success, with a word on stderr."""
    said = elt("ls", "--select", "nope", project=shop)
    assert (said.code, said.out, said.err) == (0, "", "Nothing matches the selection.\n")
