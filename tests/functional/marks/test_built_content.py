"""What builds record of their content is what is read later, until somebody changes it."""

from pathlib import Path

import pytest

from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, open_warehouse
from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.cli.main import run_command_line
from orchestrator.nodes.identity import Relation
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Budget, Sameness, compared
from tests.functional.marks.till import rows, write_till

pytestmark = pytest.mark.functional
NODES = {
    **dict.fromkeys(("a_view", "b_table", "c_log", "e_python", "f_python_log", "g_hooked", "h_file"), "main"),
    **dict.fromkeys(("i_own", "j_days", "k_kept"), "main"),
    "coins": "main_seeds",
}
EDITS = {
    "b_table": "update b_table set one = 2",
    "c_log": "insert into c_log values (1)",
    "coins": "update main_seeds.coins set coin = 'dime ' where coin = 'dime'",
    "a_view": "create or replace view a_view as select 1 + 0 as one",
    "k_kept": "alter table k_kept add column more int",
    "i_own": "drop table i_own; create view i_own as select 1 as one",
}


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after its first run."""
    project = write_till(tmp_path_factory.mktemp("till"))
    assert run_command_line(["run", "--project-dir", str(project)]) == 0
    return project


def compare(till: Path) -> dict[str, Sameness]:
    """Compare what each build recorded with what its relation holds."""
    relations = {
        StepId(name): Relation(database=None, schema=schema, identifier=name) for name, schema in NODES.items()
    }
    warehouse = open_warehouse(DatabaseFile(path=till / "till.duckdb"), lock_timeout=0)
    try:
        record = SqlTargetRecord(warehouse.ask, DIALECTS["duckdb"], lambda _step: "till", main="till")
        markers = record.markers(relations)
        budget = Budget(rows=1000, seconds=60)
        found = warehouse.contents(list(relations.values()), budget, rows_of_views=[relations[StepId("h_file")]])
        assert markers.keys() == relations.keys()
        return {str(step): compared(markers[step].content, found.get(relation)) for step, relation in relations.items()}
    finally:
        warehouse.close()


def test_what_a_build_recorded_is_read_later(till: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every kind of node; then of all that were changed by hand it is another; a file that is gone is not known."""
    monkeypatch.chdir(till)  # the view over the file names it as dbt does, relative to the project
    assert compare(till) == dict.fromkeys(NODES, Sameness.SAME)
    for statement in EDITS.values():
        rows(till, statement)
    (till / "h_file.parquet").unlink()
    assert compare(till) == {
        **dict.fromkeys(NODES, Sameness.SAME),
        **dict.fromkeys(EDITS, Sameness.OTHER),
        "h_file": Sameness.NOT_KNOWN,
    }
