"""recce compares what elt built before a change with what it built after."""

from pathlib import Path

import pytest
from built import Built
from recce import event
from recce.adapter.dbt_adapter import DbtAdapter

CHANGED = "model.everything.fct_orders"
COLUMNS = ["order_id", "customer_id", "name", "amount", "ordered_on"]


@pytest.fixture
def recce(changed: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DbtAdapter:
    """recce's view of the changed project; nothing is told to its makers."""
    monkeypatch.setattr(event, "RECCE_USER_PROFILE", str(tmp_path / "nobody.yml"))
    monkeypatch.setattr(event._collector, "schedule_flush", lambda: None)
    monkeypatch.chdir(changed.folder)
    found: DbtAdapter = DbtAdapter.load(project_dir=".", profiles_dir=".", target_base_path="target-base")
    return found


def test_a_change_is_found(recce: DbtAdapter) -> None:
    """What was changed differs, nothing else does; lineage, columns and keys are those of the project."""
    difference = recce.get_lineage_diff()
    assert {node: found.change_status for node, found in difference.diff.items()} == {CHANGED: "modified"}
    model = difference.current["nodes"][CHANGED]
    assert model["primary_key"] == "order_id"
    assert list(recce.get_model(CHANGED)["columns"]) == [*COLUMNS, "one"]
    assert list(difference.base["nodes"][CHANGED]["columns"]) == COLUMNS
    assert difference.current["parent_map"][CHANGED] == ["model.everything.eph_named"]
