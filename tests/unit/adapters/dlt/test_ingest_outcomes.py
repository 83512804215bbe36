"""Outcomes of what a load told."""

from datetime import UTC, datetime

import pytest

from orchestrator.adapters.dlt.load_outcomes import ended
from orchestrator.plan.status import Status
from orchestrator.plan.step import Cause, IngestStep, StepId, Why

STEP = IngestStep(
    id=StepId("ingest.elt_shop"),
    name="shop",
    path="ingestion/shop.py",
    cause=Cause(why=Why.FEEDS),
    source="shop",
    module="ingestion/shop.py",
    attribute="shop",
    pipeline="elt_shop",
    dataset="raw",
    working_dir=None,
    resources=(),
    nodes=(),
)


@pytest.mark.parametrize(
    ("rows", "replaced", "status"),
    [(3, False, Status.SUCCESS), (0, True, Status.SUCCESS), (0, False, Status.NO_DATA)],
)
def test_no_data_means_no_row_and_no_table_replaced(rows, replaced, status):
    """Rows, or a replaced table, make a success; nothing at all is no_data."""
    table = {"name": "orders", "rows": rows, "load_ids": ["1.5"]}
    outcome = ended(
        STEP, datetime.now(UTC), {"tables": [table], "load_ids": ["1.5"], "replaced": replaced, "bytes": 12}
    )
    assert (outcome.status, outcome.rows_affected) == (status, rows)
    assert [(part.name, part.detail["load_ids"]) for part in outcome.parts] == [("raw.orders", ["1.5"])]
