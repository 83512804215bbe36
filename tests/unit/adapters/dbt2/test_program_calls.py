"""A batch becomes calls of dbt that run exactly its nodes."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.dbt2.program_calls import MOST_NODES, QualifiedNames, calls_of, does_nothing
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.step import BuildStep, Cause, FreshnessStep, HookStep, StepId, TestStep, Why

CAUSE = Cause(why=Why.SELECTED)


def build(unique_id: str, kind: ResourceType = ResourceType.MODEL, *, added=False, materialized="table") -> BuildStep:
    node = NodeId(unique_id)
    return BuildStep(
        id=StepId(node),
        name=node,
        path="x.sql",
        cause=CAUSE,
        node=node,
        resource_type=kind,
        materialized=materialized,
        added=added,
    )


def check(unique_id: str, kind: ResourceType = ResourceType.TEST) -> TestStep:
    node = NodeId(unique_id)
    return TestStep(
        id=StepId(node), name=node, path="x.yml", cause=CAUSE, node=node, resource_type=kind, severity="error"
    )


def freshness(unique_id: str) -> FreshnessStep:
    node = NodeId(unique_id)
    return FreshnessStep(id=StepId(f"freshness.{node}"), name=node, path="x.yml", cause=CAUSE, node=node, by_load=False)


def names_of(*steps) -> QualifiedNames:
    return QualifiedNames({step.node: tuple(step.node.split(".")[1:]) for step in steps})


def test_builds_and_data_tests_share_a_call_and_unit_tests_do_not():
    """`dbt build` runs a unit test only together with its model."""
    steps = [build("model.shop.a"), check("test.shop.t"), check("unit_test.shop.u", ResourceType.UNIT_TEST)]
    first, second = calls_of(steps, names_of(*steps), full_refresh=False)
    assert (first.command, [step.node for step in first.steps]) == ("build", ["model.shop.a", "test.shop.t"])
    assert first.select == (
        "fqn:shop.a,resource_type:model,package:shop",
        "fqn:shop.t,resource_type:test,package:shop",
    )
    assert (second.command, second.select) == ("test", ("fqn:shop.u,resource_type:unit_test,package:shop",))


def test_tests_alone_are_called_as_tests():
    """Then dbt neither looks for nor names anything to build."""
    steps = [check("test.shop.t")]
    assert [call.command for call in calls_of(steps, names_of(*steps), full_refresh=False)] == ["test"]


def test_a_full_refresh_applies_to_what_was_named():
    """What the planner added is built as usual, in a call of its own."""
    steps = [build("model.shop.a"), build("model.shop.b", added=True), check("test.shop.t")]
    calls = calls_of(steps, names_of(*steps), full_refresh=True)
    assert {(call.full_refresh, tuple(step.name for step in call.steps)) for call in calls} == {
        (True, ("model.shop.a",)),
        (False, ("model.shop.b", "test.shop.t")),
    }


def test_sources_are_named_as_sources():
    """By package, source and table."""
    (call,) = calls_of([freshness("source.shop.raw.orders")], QualifiedNames({}), full_refresh=False)
    assert (call.command, call.select, call.exclude) == ("source freshness", ("source:shop.raw.orders",), ())


def test_a_folder_that_is_called_like_a_model_is_excluded():
    """dbt compares beginnings: `shop.orders` would also select `shop.orders.daily`."""
    orders, daily = build("model.shop.orders"), build("model.shop.daily")
    names = QualifiedNames({orders.node: ("shop", "orders"), daily.node: ("shop", "orders", "daily")})
    (call,) = calls_of([orders], names, full_refresh=False)
    assert call.exclude == ("fqn:shop.orders.daily,resource_type:model,package:shop",)
    (both,) = calls_of([orders, daily], names, full_refresh=False)
    assert both.exclude == ()


def test_a_command_line_has_a_limited_length():
    """Many nodes are divided."""
    steps = [build(f"model.shop.m{number}") for number in range(MOST_NODES * 2 + 1)]
    calls = calls_of(steps, names_of(*steps), full_refresh=False)
    assert [len(call.steps) for call in calls] == [MOST_NODES, MOST_NODES, 1]


def test_some_nodes_are_nothing_to_do():
    """dbt has no work for them, and reports none."""
    assert does_nothing(build("exposure.shop.e", ResourceType.EXPOSURE))
    assert does_nothing(build("saved_query.shop.q", ResourceType.SAVED_QUERY))
    assert does_nothing(build("model.shop.e", materialized="ephemeral"))
    assert not does_nothing(build("model.shop.m", materialized="view"))
    assert not does_nothing(HookStep(id=StepId("hook.start"), name="h", path="x", cause=CAUSE, when="start"))


WORDS = st.sampled_from(["shop", "a", "b", "orders", "daily", "m_v1", "v1"])
PATHS = st.lists(WORDS, min_size=1, max_size=4).map(tuple)


@st.composite
def projects(draw) -> dict[NodeId, tuple[str, ...]]:
    """Draw the qualified names of the nodes of a project."""
    found = {}
    for number, path in enumerate(draw(st.lists(PATHS, unique=True, min_size=1, max_size=9))):
        kind, package = draw(st.sampled_from(["model", "seed"])), draw(st.sampled_from(["shop", "lib"]))
        found[NodeId(f"{kind}.{package}.n{number}")] = (package, *path)
    return found


def selected_by_dbt(call, names) -> set[str]:
    """Return what dbt 1.x's own matching of qualified names selects for a call."""
    from dbt.graph.selector_methods import QualifiedNameSelectorMethod

    method = QualifiedNameSelectorMethod(None, None, [])

    def matched(criterion: str) -> set[str]:
        fqn, kind, package = (part.split(":", 1)[1] for part in criterion.split(","))
        return {
            node
            for node, name in names.items()
            if node.startswith(f"{kind}.{package}.") and method.node_is_match(fqn, list(name), is_versioned=False)
        }

    return set().union(*map(matched, call.select)) - set().union(*map(matched, call.exclude))


@given(projects(), st.data())
def test_on_any_project_the_calls_select_their_nodes_and_no_others(names, data):
    """By dbt's own rules for qualified names."""
    chosen = data.draw(st.lists(st.sampled_from(sorted(names)), unique=True, min_size=1))
    kinds = {"model": ResourceType.MODEL, "seed": ResourceType.SEED}
    steps = [build(node, kinds[node.split(".")[0]]) for node in chosen]
    calls = calls_of(steps, QualifiedNames(names), full_refresh=False)
    assert sorted(step.node for call in calls for step in call.steps) == sorted(chosen)
    for call in calls:
        assert selected_by_dbt(call, names) == {step.node for step in call.steps}
