"""dbt-artifacts-parser reads what elt writes, strictly, and finds in it what happened."""

from datetime import datetime

import pytest
from built import Built
from dbt_artifacts_parser.parser import parse_catalog, parse_manifest, parse_run_results, parse_sources
from dbt_artifacts_parser.parsers.manifest.manifest_v12 import ManifestV12
from dbt_artifacts_parser.parsers.run_results.run_results_v6 import Result, RunResultsV6

WORDS = {"success", "error", "fail", "warn", "skipped", "partial success", "no-op", "pass"}


def _results(built: Built) -> dict[str, Result]:
    """Read the results of nodes; hooks are part of a step of ours."""
    parsed = parse_run_results(built.document("run_results"))
    assert isinstance(parsed, RunResultsV6)
    return {result.unique_id: result for result in parsed.results if not result.unique_id.startswith("operation.")}


@pytest.fixture(params=["sound", "broken"])
def built(request: pytest.FixtureRequest) -> Built:
    """Each of the projects in turn."""
    found: Built = request.getfixturevalue(request.param)
    return found


def test_each_node_ended_as_it_did(built: Built) -> None:
    """Every node of the run has a result with the word that the run told, but ephemeral models, which have none."""
    ephemeral = {
        node["unique_id"]
        for node in built.document("manifest")["nodes"].values()
        if node["config"].get("materialized") == "ephemeral"
    }
    told = {node: word for node, word in built.words().items() if node not in ephemeral}
    assert {node: result.status.value for node, result in _results(built).items()} == told
    assert built.exit_code == (1 if "error" in told.values() else 0)


def test_every_status_of_dbt_occurs(sound: Built, broken: Built) -> None:
    """Between them the projects show each status that a reader may meet in run_results.json."""
    assert set(sound.words().values()) | set(broken.words().values()) == WORDS


def test_the_figures_are_those_of_the_run(built: Built) -> None:
    """Failing rows, affected rows, and the times and thread of whatever ran, are read as they were."""
    steps = built.steps()
    ran = {node: result for node, result in _results(built).items() if result.status.value not in {"skipped", "no-op"}}
    for node, result in ran.items():
        step = steps[node]
        assert result.failures == step["failures"]
        if step["rows_affected"] is not None:
            assert result.adapter_response["rows_affected"] == step["rows_affected"]
        assert result.thread_id
        timing = [time for one in result.timing for time in (one.started_at, one.completed_at)]
        times = [datetime.fromisoformat(str(time)) for time in timing]
        began, ended = (datetime.fromisoformat(step[name]) for name in ("started_at", "ended_at"))
        assert [began, *times, ended] == sorted([began, *times, ended])
        assert 0 <= result.execution_time <= step["elapsed"] + 0.001


def test_batches_are_read(broken: Built) -> None:
    """A microbatch model that broke in the middle tells which batches stand and which do not."""
    result = _results(broken)["model.everything.bad_batches"]
    parts = broken.steps()["model.everything.bad_batches"]["parts"]
    assert result.status.value == "partial success"
    assert result.batch_results is not None
    assert len(result.batch_results.successful) == sum(part["status"] == "success" for part in parts) > 0
    assert len(result.batch_results.failed) == sum(part["status"] == "error" for part in parts) > 0


def test_compiled_code_is_what_ran(sound: Built) -> None:
    """Results and manifest hold the compiled code and the relation, of one and the same invocation."""
    manifest = parse_manifest(sound.document("manifest"))
    run = parse_run_results(sound.document("run_results"))
    assert isinstance(manifest, ManifestV12)
    result = next(result for result in run.results if result.unique_id == "model.everything.fct_orders")
    assert result.relation_name == manifest.nodes[result.unique_id].relation_name
    (found,) = sound.ask(f"select count(*) from ({result.compiled_code})")
    assert found == sound.ask(f"select count(*) from {result.relation_name}")[0]


def test_an_invocation_has_one_id(broken: Built) -> None:
    """Manifest and results of a run carry the same invocation id, and the dbt that ran."""
    manifest, run = (broken.document(name)["metadata"] for name in ("manifest", "run_results"))
    assert manifest["invocation_id"] == run["invocation_id"]
    assert manifest["dbt_version"] == run["dbt_version"]


def test_the_age_of_sources_is_read(sound: Built) -> None:
    """sources.json tells each source's verdict, limits and age."""
    results = {result.unique_id: result for result in parse_sources(sound.document("sources")).results}
    assert {name.rpartition(".")[2]: result.status.value for name, result in results.items()} == {
        "customers": "pass",
        "orders": "warn",
        "events": "error",
    }
    orders = results["source.everything.raw.orders"]
    assert orders.criteria.warn_after.count == 1
    assert 2 * 86400 <= orders.max_loaded_at_time_ago_in_s < 3 * 86400


def test_the_catalog_lists_the_existing_relations(sound: Built) -> None:
    """catalog.json tells the columns and types that the database tells."""
    node = parse_catalog(sound.document("catalog")).nodes["model.everything.fct_orders"]
    described = sound.ask("describe main_marts.fct_orders")
    assert [(column.name, column.type) for column in node.columns.values()] == [row[:2] for row in described]
