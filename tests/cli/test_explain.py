"""`elt explain` says what a node's result follows from, and what of it changed, on a real project."""

import json
import os

import pytest

from orchestrator.cli.main import run_command_line
from tests.functional.reuse.till import edit, write_till

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project that was run once."""
    root = write_till(tmp_path_factory.mktemp("till"))
    assert run_command_line(["run", "--quiet", "--project-dir", str(root)]) == 0
    return root


@pytest.fixture
def till(built):
    """Its files, to be edited: they are put back afterwards."""
    names = [
        file for file in built.rglob("*") if file.suffix in {".sql", ".csv", ".yml"} and "target" not in file.parts
    ]
    before = {file: file.read_text() for file in names}
    yield built
    for file, text in before.items():
        if file.read_text() != text:
            file.write_text(text)


@pytest.fixture
def explain(elt, till):
    """Explain a node: the verdict, and what changed."""

    def ask(node, *words):
        said = elt("explain", node, "--json", *words, project=till)
        assert said.code == 0, said.err
        return json.loads(said.out)

    return ask


def test_nothing_changed(explain):
    """The run that it ended well in is named; no parent's data is of an unknown version where dbt loads all."""
    found = explain("sales")
    assert (found["verdict"], found["changes"], found["unknown"]) == ("same", [], [])
    assert found["standing"]["status"] == "success"
    assert all(part["now"] == part["then"] for part in found["parts"])


def test_comments_descriptions_and_tags_change_nothing(explain, till):
    """A comment is told, compiled and found to change nothing, for the model and below it."""
    edit(till, "models/stg_sales.sql", "-- one row a sale", "/* a row\n   for each sale */\n")
    edit(till, "models/models.yml", "Every sale.", "All sales.")
    edit(till, "models/models.yml", "What a day brought.", "Days.\n    config: {tags: [daily], meta: {owner: Ann}}")
    staging = explain("stg_sales")
    assert (staging["verdict"], staging["changes"]) == ("same", ["code changed: models/stg_sales.sql"])
    assert (explain("sales")["verdict"], explain("sales")["changes"]) == ("same", [])
    assert explain("sales_by_day")["changes"] == []


def test_an_ephemeral_model_is_compared_through_the_compiled_code_of_its_readers(explain, till):
    """A comment in it changes nothing; a column does."""
    edit(till, "models/days.sql", "-- no ids", "-- none at all")
    assert (explain("sales_by_day")["verdict"], explain("sales_by_day")["changes"]) == ("same", ["parent days changed"])
    edit(till, "models/days.sql", "day, cents from", "day, 2 * cents as cents from")
    assert explain("sales_by_day")["verdict"] == "different"


def test_a_macro_two_packages_deep_is_named_with_the_way_to_it(explain, till):
    """By its file; below the model that uses it the parent is named."""
    edit(till, "packages/numbers/macros/rounded.sql", ", 2)", ", 3)")
    told = "macro changed: numbers/macros/rounded.sql (used through stg_sales → cents → rounded)"
    assert (explain("stg_sales")["verdict"], explain("stg_sales")["changes"]) == ("different", [told])
    below = explain("sales_by_day")
    assert below["changes"] == ["parent sales changed"]
    assert below["above"] == [{"node": "model.till.stg_sales", "changes": [told]}]
    edit(till, "macros/unused.sql", "1", "2")
    edit(till, "packages/numbers/macros/rounded.sql", ", 3)", ", 2){# to the cent #}")
    assert explain("stg_sales")["verdict"] == "same"
    assert explain("sales")["changes"] == []


def test_vars_and_variables_are_named_and_their_values_never_shown(explain, monkeypatch):
    """A var of a hook, one of the code, and a variable of the environment."""
    monkeypatch.setenv("TILL_REGION", "hush-hush-region")
    found = explain("sales", "--vars", "{floor: 1, start_date: '2024-01-03'}")
    assert found["verdict"] == "different"
    assert found["changes"] == [
        "environment variable TILL_REGION changed",
        "parent stg_sales changed",
        "var floor changed",
    ]
    assert "hush-hush-region" not in json.dumps(found)
    assert "hush-hush-region" in os.environ.values()
    assert explain("sales", "--vars", "{nobody_asks: 1}")["changes"] == ["environment variable TILL_REGION changed"]


def test_seeds_hooks_and_contracts(explain, till):
    """A row of a seed, the type of a column, a hook; and what reads a seed has a parent that changed."""
    edit(till, "seeds/rates.csv", "1.1", "1.2")
    edit(till, "models/models.yml", "data_type: double", "data_type: float")
    edit(till, "models/sales.sql", "cents < ", "cents <= ")
    assert explain("rates")["changes"] == ["content changed: seeds/rates.csv"]
    found = explain("sales")
    assert found["verdict"] == "different"
    assert found["changes"] == [
        "code changed: models/sales.sql",
        "contract changed: models/models.yml",
        "post-hook changed",
        "parent rates changed",
    ]
    checked = explain("unique_sales_id")
    assert checked["changes"] == ["parent sales changed"]
    assert [cause["node"] for cause in checked["above"]] == ["seed.till.rates", "model.till.sales"]


def test_explain_names_volatile_nodes_and_run_time_decisions(explain):
    """With the place; what has neither has none."""
    assert explain("stamped")["statement"] == {"volatile": ["current_timestamp"], "not_understood": [], "deferred": []}
    assert explain("stamped")["decision"] == {"act": "run", "words": "volatile: current_timestamp"}
    assert explain("pivoted")["at_run_time"] == {"what": "run_query", "path": "models/pivoted.sql", "line": 1}
    assert (explain("sales")["volatile"], explain("sales")["at_run_time"]) == (None, None)


def test_it_is_shown_to_people(elt, till):
    """On one screen: what changed, what follows, and every part with its digests."""
    edit(till, "seeds/rates.csv", "1.1", "1.3")
    said = elt("explain", "rates", project=till)
    lines = said.out.splitlines()
    assert lines[0] == "seed  rates  seeds/rates.csv"
    assert "  content changed: seeds/rates.csv" in lines
    assert "Its result may have changed." in lines
    elt("explain", "rate", project=till).refuses("no node called rate", "Did you mean 'rates'?")


def test_a_node_that_never_ran_has_nothing_to_compare_with(elt, tmp_path):
    """Nothing is recorded, and that is no mistake; no record is begun."""
    root = write_till(tmp_path)
    said = elt("explain", "sales", project=root)
    assert said.code == 0, said.err
    assert "last success    never" in said.out
    assert not (root / ".elt" / "history.db").exists()


def test_explain_agrees_with_the_plan_for_every_node(elt, till):
    """Whatever is decided, and for the same reason: of what is unchanged, changed, volatile and below that."""
    edit(till, "models/stg_sales.sql", "-- one row a sale", "-- each sale")
    edit(till, "seeds/rates.csv", "1.1", "1.4")
    plan = json.loads(elt("plan", "--skip-unchanged", "--json", project=till).out)
    decided = {step["id"]: step["decision"] for step in plan["steps"] if step["id"].split(".")[0] in NODES}
    explained = {one: json.loads(elt("explain", one, "--json", project=till).out)["decision"] for one in decided}
    assert {one: found["act"] for one, found in explained.items()} == {one: how["act"] for one, how in decided.items()}
    assert {how["act"] for how in decided.values()} >= {"run", "reuse"}
    assert [one for one, found in explained.items() if decided[one]["words"] not in found["words"]] == []


NODES = {"model", "seed", "snapshot", "test", "unit_test"}
