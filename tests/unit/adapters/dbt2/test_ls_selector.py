"""Selections are those of `dbt ls`, asked once each, and kept to what the command runs."""

import pytest

from orchestrator.adapters.dbt2.dbt_process import DbtAnswer
from orchestrator.adapters.dbt2.given_options import read_options
from orchestrator.adapters.dbt2.ls_selector import DbtLs, LsSelector
from orchestrator.adapters.dbt2.program_calls import MOST_NODES, QualifiedNames
from orchestrator.errors import SelectionError
from orchestrator.nodes.identity import NodeId, ResourceType

TYPES = {
    NodeId("model.shop.a"): ResourceType.MODEL,
    NodeId("test.shop.t"): ResourceType.TEST,
    NodeId("source.shop.raw.x"): ResourceType.SOURCE,
    NodeId("exposure.shop.e"): ResourceType.EXPOSURE,
    NodeId("metric.shop.m"): ResourceType.METRIC,
}


def selector(*words: str, has_default: bool = False):
    """Return the selector of a command line, and the questions that it asks; every answer is all nodes."""
    asked = []

    def ask(question):
        asked.append(question)
        return frozenset(TYPES)

    return LsSelector(read_options(words, "dbt"), TYPES, ask, has_default=has_default), asked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("build",), {"model.shop.a", "test.shop.t", "exposure.shop.e"}),
        (("test",), {"test.shop.t"}),
        (("source", "freshness"), {"source.shop.raw.x"}),
        (("list",), set(TYPES)),
        (("build", "--resource-type", "model"), {"model.shop.a"}),
        (("build", "--resource-type", "all"), {"model.shop.a", "test.shop.t", "exposure.shop.e"}),
        (("build", "--exclude-resource-type", "test"), {"model.shop.a", "exposure.shop.e"}),
    ],
)
def test_a_command_runs_only_its_types(words, expected):
    """As in dbt; the options for types narrow them."""
    found, _ = selector(*words)
    assert found.select(select=("tag:x",), exclude=()) == expected


def test_everything_needs_no_question():
    """Unless selectors.yml has a default."""
    found, asked = selector("build")
    assert found.named(select=(), exclude=()) == set(TYPES)
    assert not asked
    found, asked = selector("build", has_default=True)
    found.select(select=(), exclude=())
    assert asked == [()]


def test_a_question_is_asked_once():
    """Each costs a start of dbt."""
    found, asked = selector("build", "--state", "old")
    for _ in range(2):
        found.select(select=("a+",), exclude=("b",))
        found.select(select=("a+",), exclude=("b",), direct=True)
        found.named(select=("a+",), exclude=("b",))
        found.matching(("state:modified",))
    assert asked == [
        ("--select", "a+", "--exclude", "b", "--state", "old"),
        ("--select", "a+", "--exclude", "b", "--state", "old", "--indirect-selection", "empty"),
        ("--select", "state:modified", "--state", "old", "--indirect-selection", "empty"),
    ]


def test_a_named_selector_is_dbts():
    """Expressions beside it do not count, as in dbt."""
    found, asked = selector("build", "--selector", "nightly")
    found.select(select=("a",), exclude=())
    assert asked == [("--selector", "nightly")]


def test_nothing_matches_no_expression():
    """dbt would take it for everything."""
    found, asked = selector("build")
    assert found.matching(()) == frozenset()
    assert not asked
    assert found.deferred() == frozenset()


def answering(*lines: str, code: int | None = 0):
    asked = []

    def ask(words):
        asked.append(words)
        return DbtAnswer(code=code, lines=lines, told="dbt ended with code 1: bad selector")

    return DbtLs("dbt 2.0.1", ask), asked


def test_lines_for_people_among_the_answer_are_ignored():
    """Banners and warnings go to the same output."""
    ls, _ = answering("dbt 2.0.1", "   Loading profiles.yml", '{"unique_id": "model.shop.a"}', "[1]", '{"x": 1}', "")
    assert ls.nodes(("--select", "a")) == {"model.shop.a"}


def test_a_question_that_dbt_refuses_is_an_error_of_the_selection():
    """With what dbt said about it."""
    ls, _ = answering(code=1)
    with pytest.raises(SelectionError, match="bad selector"):
        ls.nodes(("--select", "bad:method"))


def test_many_nodes_are_listed_in_parts():
    """A command line has a limited length."""
    nodes = [NodeId(f"model.shop.m{number:03}") for number in range(MOST_NODES + 1)]
    ls, asked = answering("shop.m", "")
    names = QualifiedNames({node: tuple(node.split(".")[1:]) for node in nodes})
    assert ls.lines([*nodes, NodeId("source.shop.raw.x")], names, "name", ()) == ("shop.m", "shop.m")
    assert [sum(word.startswith("fqn:") for word in words) for words in asked] == [MOST_NODES, 1]
    assert "source:shop.raw.x" in asked[1]
