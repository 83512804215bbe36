"""dbt answers its own expressions; `ingest:` and `expectation:` reach across the borders of the tools."""

from dataclasses import dataclass, field

import pytest

from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.selection.nothing import nothing_matched
from orchestrator.selection.resolve import Selection, resolve
from tests.graph_factories import ids, make_dlt_source, make_graph, make_node, make_source, make_suite


@dataclass
class FakeSelector:
    """Answers from a table of expressions, as dbt would, and remembers what it was asked."""

    answers: dict[str, frozenset[NodeId]]
    kept: frozenset[ResourceType] | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def select(self, *, select, exclude, direct=False):
        self.asked.append(select)
        return self.matching(select or ("*",)) - self.matching(exclude)

    def named(self, *, select, exclude):
        return self.matching(select or ("*",)) - self.matching(exclude)

    def matching(self, expressions):
        return frozenset().union(*(self.answers.get(word, frozenset()) for word in expressions))

    def kept_types(self):
        return self.kept

    def deferred(self):
        return frozenset()


# raw.orders ← ingest shop_api.orders;  raw.orders → stg → fct (suite fct), test t on fct
GRAPH = make_graph(
    make_source("orders"),
    make_node("model.stg", "source.raw.orders"),
    make_node("model.fct", "model.stg"),
    make_node("test.t", "model.fct"),
    loads=[make_dlt_source("raw", "orders")],
    suites=[make_suite("fct", "model.fct")],
)
EVERYTHING = ids("model.stg", "model.fct", "test.t")


def chosen(*select: str, exclude: tuple[str, ...] = (), selector: FakeSelector | None = None) -> Selection:
    selector = selector or FakeSelector({"*": EVERYTHING, "stg": ids("model.stg"), "fct": ids("model.fct")})
    return resolve(select=select, exclude=exclude, has_selector=False, selector=selector, graph=GRAPH)


def test_without_a_selection_dbt_decides_what_everything_is() -> None:
    """Nothing named means dbt's default selector or everything; that is kept apart from naming all of it."""
    selection = chosen()
    assert selection.selected == EVERYTHING
    assert selection.is_everything
    assert not selection.ingest


def test_descendants_of_a_resource_are_selected_through_the_source_it_feeds() -> None:
    """`ingest:raw.orders+` is the resource, the source, its models, their tests and suites."""
    selection = chosen("ingest:raw.orders+")
    assert selection.ingest == ids("ingest.raw.orders")
    assert selection.selected >= EVERYTHING
    assert selection.suites == ids("expectation.fct")


def test_ancestors_of_a_suite_are_selected_too() -> None:
    """`1+expectation:fct` is the suite and the model it evaluates, and nothing further up."""
    selection = chosen("1+expectation:fct")
    assert (selection.suites, selection.selected) == (ids("expectation.fct"), ids("model.fct"))


def test_a_criterion_of_ours_alone_does_not_query_dbt() -> None:
    """`ingest:raw` must not be taken for an empty selection, which would mean everything."""
    selector = FakeSelector({"*": EVERYTHING})
    assert chosen("ingest:raw", selector=selector).selected == frozenset()
    assert selector.asked == []


def test_items_are_a_union_and_commas_an_intersection() -> None:
    """`ingest:raw+,stg fct` is what is below the resource and named stg, and fct."""
    assert chosen("ingest:raw+,stg", "fct").selected == ids("model.stg", "model.fct")


def test_exclusions_apply_to_both_kinds() -> None:
    """`--exclude ingest:raw fct` takes the resource and the model out."""
    selection = chosen("ingest:raw+", exclude=("ingest:raw", "fct"))
    assert selection.ingest == frozenset()
    assert ids("model.fct").isdisjoint(selection.selected)
    assert selection.excluded == ids("ingest.raw.orders", "model.fct")


def test_wildcards_and_pipelines_name_resources() -> None:
    """A resource has its own name, its source's, both with a dot, and its pipeline's; wildcards match any."""
    for name in ("orders", "raw", "raw.orders", "raw.*", "*"):
        assert chosen(f"ingest:{name}").ingest == ids("ingest.raw.orders"), name
    assert chosen("ingest:other").is_empty


def test_a_resource_type_filter_applies_to_what_the_operators_reach() -> None:
    """`--resource-type model` leaves out the tests below a resource, as below anything else."""
    selector = FakeSelector({"*": EVERYTHING}, kept=frozenset({ResourceType.MODEL}))
    assert chosen("ingest:raw+", selector=selector).selected == ids("model.stg", "model.fct")


@pytest.mark.parametrize("name", ["raw", "load_raw", "raw.orders", "orders"])
@pytest.mark.parametrize("prefix", ["", "ingest:", "ingest."])
def test_a_load_is_selected_by_each_of_its_names(name: str, prefix: str) -> None:
    """The dlt source, the pipeline, the resource: with `ingest:` or `ingest.` before it, or alone."""
    assert chosen(prefix + name).ingest == ids("ingest.raw.orders")
    assert chosen(exclude=(prefix + name,)).excluded == ids("ingest.raw.orders")


def test_the_name_of_a_load_takes_dbts_operators() -> None:
    """`raw+` and `1+expectation:fct,raw+` mean what `ingest:raw+` does."""
    assert chosen("load_raw+") == chosen("ingest:raw+")
    assert chosen("stg,raw+").selected == ids("model.stg")


def test_names_that_dbt_knows_are_dbts() -> None:
    """A name that means something to dbt, a method of dbt or a wildcard never names a load."""
    selector = FakeSelector({"*": EVERYTHING, "raw": ids("model.stg"), "raw*": ids(), "source:raw": ids()})
    assert not chosen("raw", selector=selector).ingest
    assert not chosen("raw*", selector=selector).ingest
    assert not chosen("source:raw", selector=selector).ingest


def test_a_name_near_to_a_load_is_suggested_as_it_is_selected() -> None:
    """Whatever the word was written with."""
    for word in ("ingest:raws", "ingest.raws", "raws"):
        error = nothing_matched((word,), GRAPH)
        assert error is not None
        assert "ingest:raw" in error.hint
