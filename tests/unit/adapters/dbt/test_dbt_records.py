"""dbt's artifacts are put together from outcomes alone, in dbt's words."""

import pytest

from orchestrator.adapters.dbt.artifacts import artifact, records
from orchestrator.adapters.dbt.node_outcomes import rows_written, status_of
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Cause, FreshnessStep, HookStep, StepId, Why
from tests.factories import make_outcome

WHY = Cause(why=Why.SELECTED)
A, B, SOURCE = NodeId("model.shop.a"), NodeId("model.shop.b"), NodeId("source.shop.raw.t")
PLAN = Plan(
    steps=(
        *(
            BuildStep(
                id=StepId(node),
                name=node,
                path="",
                cause=WHY,
                node=node,
                resource_type=ResourceType.MODEL,
                materialized="table",
            )
            for node in (A, B)
        ),
        FreshnessStep(id=StepId("freshness"), name="t", path="", cause=WHY, node=SOURCE, by_load=False),
        HookStep(id=StepId("hook.end"), name="end", path="", cause=WHY, when="end"),
    )
)
SKIPPED = {A: {"unique_id": A, "status": "skipped"}, B: {"unique_id": B, "status": "skipped"}}


def own(step: str, word: str, **fields) -> dict[str, object]:
    return {"unique_id": step, "status": word, **fields}


def found(*outcomes, sources: bool = False) -> list[object]:
    did_not_end = {outcome.step_id for outcome in outcomes if outcome.status in (Status.SKIPPED, Status.CANCELLED)}
    skipped = {node: record for node, record in SKIPPED.items() if node in did_not_end}
    return [record["status"] for record in records(PLAN, outcomes, skipped, sources=sources)]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("success", Status.SUCCESS),
        ("pass", Status.SUCCESS),
        ("no-op", Status.SUCCESS),
        ("warn", Status.WARN),
        ("fail", Status.FAIL),
        ("error", Status.ERROR),
        ("runtime error", Status.ERROR),
        ("partial success", Status.ERROR),
        ("skipped", Status.SKIPPED),
        ("a word of tomorrow", Status.ERROR),
    ],
)
def test_each_word_of_dbt_has_one_status(word: str, status: Status) -> None:
    """A word that nobody knows is an error, never a silent success."""
    assert status_of(word) is status


def test_stale_rows_are_a_failed_check() -> None:
    """dbt's `error` of a freshness check is a fail: nothing broke, the rows are too old."""
    assert status_of("error", is_freshness=True) is Status.FAIL
    assert status_of("runtime error", is_freshness=True) is Status.ERROR


def test_records_are_in_the_order_in_which_nodes_ended() -> None:
    """Results are listed as they ended; a skipped node has dbt's record of a skip."""
    outcomes = (
        make_outcome(B, dbt_results=(own(B, "error"),)),
        make_outcome(A, Status.SKIPPED),
    )
    assert found(*outcomes) == ["error", "skipped"]


def test_sources_and_nodes_are_written_apart() -> None:
    """A freshness check stands in sources.json, everything else of dbt's in run_results.json."""
    outcomes = (
        make_outcome("freshness", dbt_results=(own(SOURCE, "pass"),)),
        make_outcome("hook.end", dbt_results=(own("operation.1", "success"), own("operation.2", "success"))),
        make_outcome(B, Status.CANCELLED),
    )
    assert found(*outcomes, sources=True) == ["pass"]
    assert found(*outcomes) == ["success", "success", "skipped"]


def test_interrupted_steps_are_skipped_in_dbts_artifacts() -> None:
    """dbt knows no word for it; but a model whose batches were cut off keeps its record, which tells what is left."""
    batches = {"successful": [["2021", "2022"]], "failed": [["2022", "2023"]]}
    outcomes = (
        make_outcome(A, Status.CANCELLED, dbt_results=(own(A, "error"),)),
        make_outcome(B, Status.CANCELLED, dbt_results=(own(B, "partial success", batch_results=batches),)),
    )
    assert found(*outcomes) == ["skipped", "partial success"]


def test_only_run_results_hold_arguments() -> None:
    """sources.json has no `args`."""
    parts = {"metadata": {"a": 1}, "results": [own(A, "success")], "elapsed": 1.5}
    assert artifact(**parts) == {"metadata": {"a": 1}, "results": [own(A, "success")], "elapsed_time": 1.5}
    assert artifact(**parts, args={"which": "build"})["args"] == {"which": "build"}


@pytest.mark.parametrize(
    ("node", "response", "rows"),
    [
        ("model.shop.a", {"rows_affected": 3}, 3),
        ("seed.shop.a", {"rows_affected": 0}, 0),
        ("model.shop.a_view", {"rows_affected": -1}, None),
        ("model.shop.a", {}, None),
        ("model.shop.a", None, None),
        ("test.shop.a_is_unique.1", {"rows_affected": 1}, None),
        ("unit_test.shop.a.counts", {"rows_affected": 2}, None),
    ],
)
def test_only_what_writes_rows_has_a_row_count(node, response, rows):
    """PostgreSQL reports the row that answers a test as affected, and -1 for a view: neither is a row count."""
    assert rows_written(node, response) == rows
