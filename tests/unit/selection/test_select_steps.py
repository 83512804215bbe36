"""Which steps of one's own a selection contains: by `step:`, below what it names, or with what they follow."""

from dataclasses import replace

import pytest

from orchestrator.nodes.identity import ResourceType
from orchestrator.selection.criterion import dbt_criterion
from orchestrator.selection.nothing import nothing_matched
from orchestrator.selection.resolve import resolve
from tests.graph_factories import ids, make_dlt_source, make_graph, make_node, make_own, make_source
from tests.unit.selection.test_resolve import FakeSelector

# step:sync → raw.orders → stg → fct → board → step:bi → step:tell;  stg → step:early
GRAPH = make_graph(
    make_source("orders"),
    make_node("model.stg", "source.raw.orders"),
    make_node("model.fct", "model.stg"),
    make_node("exposure.board", "model.fct"),
    loads=[make_dlt_source("raw", "orders")],
    steps=[
        make_own("sync", feeds=["orders"]),
        make_own("bi", "exposure.board"),
        make_own("tell", "step.bi", "step.sync"),
        make_own("early", "model.stg"),
    ],
)
NODES = ids("model.stg", "model.fct", "exposure.board")
SELECTOR = FakeSelector(
    {
        "*": NODES,
        "stg": ids("model.stg"),
        "fct": ids("model.fct"),
        "tag:x": ids("model.fct", "model.stg"),
        "board": ids("exposure.board"),
        "source:raw": ids("source.raw.orders"),
    }
)


def steps(*select: str, exclude: tuple[str, ...] = (), has_selector: bool = False, selector=SELECTOR) -> set[str]:
    found = resolve(select=select, exclude=exclude, has_selector=has_selector, selector=selector, graph=GRAPH)
    return {node.removeprefix("step.") for node in found.steps}


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ((), {"bi", "tell", "early"}),
        (("step:bi",), {"bi"}),
        (("step:*",), {"bi", "tell", "early", "sync"}),
        (("step:bi+",), {"bi", "tell"}),
        (("+step:tell",), {"bi", "tell", "sync"}),
        (("1+step:bi",), {"bi"}),
        (("fct",), set()),
        (("fct+",), {"bi", "tell"}),
        (("fct+1",), set()),
        (("fct+2",), {"bi"}),
        (("+fct",), set()),
        (("@fct",), {"bi", "tell", "sync"}),
        (("tag:x+,fct+",), {"bi", "tell"}),
        (("tag:x+,fct",), set()),
        (("ingest:raw+",), {"bi", "tell", "early"}),
        (("stg+1 fct",), {"early"}),
    ],
)
def test_a_selection_contains_the_steps_that_it_names_or_reaches(select: tuple[str, ...], found: set[str]) -> None:
    """As it contains exposures; without a selection, every step that follows something."""
    assert steps(*select) == found


@pytest.mark.parametrize(
    ("exclude", "found"),
    [
        (("step:bi",), {"tell", "early"}),
        (("step:bi", "step:sync"), {"early"}),
        (("step:*",), set()),
        (("board",), {"tell", "early"}),
        (("fct+",), {"early"}),
        (("stg",), {"bi", "tell"}),
    ],
)
def test_a_step_is_excluded_with_everything_that_it_follows(exclude: tuple[str, ...], found: set[str]) -> None:
    """By its name, below what is excluded, or because nothing that it follows is left."""
    assert steps(exclude=exclude) == found


def test_a_selector_of_dbt_contains_a_step_with_everything_that_it_follows() -> None:
    """The operators of a selector are known to dbt alone."""
    of_fct = replace(SELECTOR, answers={**SELECTOR.answers, "*": ids("model.fct", "exposure.board")})
    assert steps(has_selector=True, selector=of_fct) == {"bi", "tell"}
    assert steps(has_selector=True, selector=replace(SELECTOR, answers={"*": ids("model.fct")})) == set()


def test_a_resource_type_keeps_steps_as_it_keeps_exposures() -> None:
    """`--resource-type model` runs no steps that are not named."""
    models = replace(SELECTOR, kept=frozenset({ResourceType.MODEL}))
    assert steps(selector=models) == set()
    assert steps("step:bi", selector=models) == {"bi"}
    assert steps(selector=replace(SELECTOR, kept=frozenset({ResourceType.EXPOSURE}))) == {"bi", "tell", "early"}


def test_steps_are_never_taken_for_nodes_of_dbt() -> None:
    """What a step's operators reach is dbt's; the step itself is not."""
    found = resolve(select=("step:sync+",), exclude=(), has_selector=False, selector=SELECTOR, graph=GRAPH)
    assert found.selected == NODES | ids("source.raw.orders")
    assert found.steps == ids("step.sync", "step.tell", "step.bi", "step.early")


def test_a_name_near_to_a_step_is_suggested() -> None:
    """With its method."""
    error = nothing_matched(("step:bii",), GRAPH)
    assert error is not None
    assert "step:bi" in error.hint


@pytest.mark.parametrize(
    ("text", "value", "down"), [("fct", "fct", False), ("2+tag:x+1", "tag:x", True), ("@path:a+", "path:a", True)]
)
def test_the_operators_of_dbt_are_parsed(text: str, value: str, down: bool) -> None:
    """The value keeps its method."""
    found = dbt_criterion(text)
    assert found is not None
    assert (found.value, found.down) == (value, down)
