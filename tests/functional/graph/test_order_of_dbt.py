"""Our order of steps is dbt's: on a real project, and on random manifests against dbt's own linker."""

import os
import shutil
from pathlib import Path

import networkx as nx
import pytest
from dbt.cli.main import dbtRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.graph.build import build_graph
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import ResourceType
from orchestrator.nodes.manifest import manifest_from, read_raw
from orchestrator.plan.members import RUNS
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream
from tests.functional.graph.dbt_linker import dbt_graph, linked, skipped_by_dbt
from tests.graph_factories import LastSuccess, everything, halted_by, manifests

pytestmark = pytest.mark.functional
SHOP = Path(__file__).parent / "shop"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, nx.DiGraph]:
    """Parse the project once: the manifest as we read it, and the graph as dbt links it."""
    folder = tmp_path_factory.mktemp("graph") / "shop"
    shutil.copytree(SHOP, folder)
    where = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    before = Path.cwd()
    os.chdir(folder)  # the profile's path of the database is a relative one
    try:
        result = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "parse", *where])
    finally:
        os.chdir(before)
    assert result.success, result.exception
    result.result.build_parent_and_child_maps()
    written = folder / "target" / "manifest.json"
    return manifest_from(read_raw(written), written), linked(result.result)


def closure_over(graph: nx.DiGraph, kept: set[str]) -> set[tuple[str, str]]:
    """Give every pair of kept nodes with a path between them."""
    return {(above, node) for node in kept & set(graph) for above in nx.ancestors(graph, node) & kept}


def ours(manifest: Manifest) -> nx.DiGraph:
    graph = nx.DiGraph(list(build_graph(manifest).order.edges()))
    graph.add_nodes_from(manifest.nodes)
    return graph


def ordered_by_dbt(manifest: Manifest) -> set[str]:
    """Give the nodes whose order dbt's graph tells: unit tests run inside the turn of their model."""
    return {one.unique_id for one in manifest.nodes.values() if one.resource_type is not ResourceType.UNIT_TEST}


def test_manifest_holds_what_dbt_links(shop):
    """We read every node and source that dbt puts in its graph, and nothing that is disabled."""
    manifest, of_dbt = shop
    assert {*manifest.nodes, *manifest.sources} == set(of_dbt)
    kinds = {node.resource_type for node in manifest.nodes.values()}
    not_of_a_node = {ResourceType.SOURCE, ResourceType.INGEST, ResourceType.EXPECTATION, ResourceType.STEP}
    assert kinds == set(ResourceType) - not_of_a_node


def test_order_of_a_real_project_is_that_of_dbt(shop):
    """Which node waits for which is the same; only a seed behind a source makes ours wait where dbt races."""
    manifest, of_dbt = shop
    kept = ordered_by_dbt(manifest)
    of_dbt = of_dbt.copy()
    of_dbt.add_edge("seed.shop.products", "source.shop.raw.products")
    assert closure_over(ours(manifest), kept) == closure_over(of_dbt, kept)


def test_unit_tests_of_a_real_project_come_before_their_model(shop):
    """A unit test waits for the tests of its model's parents; the model waits for its last unit test."""
    order = build_graph(shop[0]).order
    first, last = "unit_test.shop.fct_sales.fct_adds", "unit_test.shop.fct_sales.fct_empty"
    assert "test.shop.not_null_eph_id.7679bb5b43" in order.parents(first)
    assert first in order.parents(last)
    assert last in order.parents("model.shop.fct_sales")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests())
def test_order_of_any_manifest_is_that_of_dbt(manifest):
    """For any manifest, a path leads from one node to another in our order exactly where one leads in dbt's."""
    kept = ordered_by_dbt(manifest)
    assert closure_over(ours(manifest), kept) == closure_over(dbt_graph(manifest), kept)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests(), st.data())
def test_failures_halt_what_dbt_skips(manifest, data):
    """With everything selected, any failing nodes stop exactly the steps that `dbt build` would skip."""
    request = everything(build_graph(manifest))
    check_halting(manifest, request, data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests(), st.data())
def test_within_a_selection_failures_halt_what_dbt_skips(manifest, data):
    """With some nodes selected and nothing added, failures also stop what hangs on them over unselected nodes."""
    runs = sorted(node.unique_id for node in manifest.nodes.values() if node.resource_type in RUNS)
    chosen = data.draw(st.sets(st.sampled_from(runs))) if runs else set()
    # dbt never runs a unit test whose model is not selected
    picked = frozenset(
        one for one in chosen if not one.startswith("unit_test.") or manifest.nodes[one].parents[0] in chosen
    )
    check_halting(manifest, PlanRequest(selected=picked, direct=picked, upstream=Upstream.NONE), data)


def check_halting(manifest: Manifest, request: PlanRequest, data: st.DataObject) -> None:
    plan = make_plan(build_graph(manifest), request, LastSuccess())
    steps = sorted(step.id for step in plan.steps if not step.id.startswith("hook."))
    failing = data.draw(st.sets(st.sampled_from(steps), max_size=3)) if steps else set()
    expected = skipped_by_dbt(dbt_graph(manifest), manifest, frozenset(steps), failing)
    assert halted_by(plan, failing) | failing == expected
