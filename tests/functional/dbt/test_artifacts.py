"""dbt's own readers accept what elt writes, and find in it what they find in dbt's."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestrator.api import Verb
from tests.functional.dbt.sides import Side, Sides, both, copied, dbt, dbt_lines, elt

pytestmark = pytest.mark.functional
OF_THE_FOLDER = {"project_dir", "profiles_dir", "log_path", "quiet", "invocation_command"}
MENDED = {
    "models/bad_batches.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
            batch_size='year', begin='2021-01-01', concurrent_batches=false) }}
        select event_id, happened_at, null::int as x from {{ ref('stg_events') }}
        """,
    "models/bad_view.sql": "select order_id as id from {{ ref('stg_orders') }}",
}


def test_run_results_have_dbts_fields(sound: Sides) -> None:
    """The document, its metadata and the arguments of the invocation have dbt's keys, and its values but for paths."""
    theirs, ours = sound.dbt.document(), sound.elt.document()
    assert ours.keys() == theirs.keys()
    assert ours["metadata"].keys() == theirs["metadata"].keys()
    assert ours["metadata"]["dbt_schema_version"] == theirs["metadata"]["dbt_schema_version"]
    assert ours["args"].keys() == theirs["args"].keys()
    differing = {name for name, value in ours["args"].items() if value != theirs["args"][name]}
    assert differing <= OF_THE_FOLDER
    assert ours["elapsed_time"] > 0


def test_the_manifest_holds_what_dbts_holds(sound: Sides) -> None:
    """After the run manifest.json is dbt's, compiled code included."""
    theirs, ours = sound.dbt.document("manifest"), sound.elt.document("manifest")
    assert ours.keys() == theirs.keys()
    last_hook = "operation.everything.everything-on-run-end-0"  # its code lists the results in the order of their ends
    for section in ("nodes", "sources", "exposures", "metrics", "unit_tests", "functions", "parent_map", "disabled"):
        assert ours[section].keys() == theirs[section].keys()
        for unique_id, node in ours[section].items():
            if unique_id != last_hook and isinstance(node, dict):
                assert _untimed(node) == _untimed(theirs[section][unique_id])


def _untimed(node: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in node.items() if name != "created_at"}


@pytest.mark.parametrize("expression", ["result:error+", "result:fail+", "result:skipped", "result:warn"])
def test_dbt_selects_by_the_results_of_our_run(halted: Sides, tmp_path: Path, expression: str) -> None:
    """`dbt ls --select result:…` names the same nodes whether dbt or elt ran."""
    listed = [_listed(side, tmp_path / name, expression) for name, side in (("dbt", halted.dbt), ("elt", halted.elt))]
    assert listed[0] == listed[1]
    assert listed[0]


def _listed(side: Side, folder: Path, expression: str) -> list[str]:
    copied(side.folder, folder)
    shutil.copytree(side.folder / "target", folder / "state")
    lines = dbt_lines(folder, "--select", expression, "--state", "state")
    return [line for line in lines if "everything.wrong" not in line]  # dbt runs unit tests in any order


def test_dbt_retries_what_our_run_left(halted: Sides, tmp_path: Path) -> None:
    """`dbt retry` after a broken run repairs what was mended, and repeats only the batches that broke."""
    sides = []
    for name, side in (("dbt", halted.dbt), ("elt", halted.elt)):
        folder = copied(side.folder, tmp_path / name, MENDED)
        sides.append(dbt(folder, "retry"))
    theirs, ours = sides
    assert {k: v for k, v in ours.words().items() if "unit_test" not in k} == {
        k: v for k, v in theirs.words().items() if "unit_test" not in k
    }
    assert ours.words()["model.everything.below_both"] == "success"
    assert ours.words()["model.everything.below_batches"] == "success"
    of_batches = "model.everything.bad_batches"
    assert ours.records()[of_batches]["batch_results"] == theirs.records()[of_batches]["batch_results"]


def test_dbt_documents_our_run(sound: Sides, tmp_path: Path) -> None:
    """`dbt docs generate` works on the folder that elt left, and its catalogue holds what was built."""
    folder = copied(sound.elt.folder, tmp_path / "docs")
    assert dbt(folder, "docs", "generate").exit_code == 0
    catalogue = Side(folder=folder, exit_code=0).document("catalog")
    assert {"model.everything.fct_orders", "model.everything.batches_beside"} <= catalogue["nodes"].keys()


def test_freshness_is_dbts(everything: Path, tmp_path: Path) -> None:
    """Each source that dbt can ask about has dbt's status, criteria and fields in sources.json.

    dbt errs on a source with limits and nothing to ask; elt tells of it in the plan and evaluates the rest.
    """
    theirs = dbt(copied(everything, tmp_path / "dbt"), "source", "freshness")
    ours = elt(copied(everything, tmp_path / "elt"), verb=Verb.FRESHNESS)
    assert ours.document("sources").keys() == theirs.document("sources").keys()
    found, expected = ours.records("sources"), theirs.records("sources")
    assert {name: record["status"] for name, record in found.items()} == {
        "source.everything.raw.customers": "pass",
        "source.everything.raw.orders": "warn",
        "source.everything.raw.events": "error",
    }
    assert found.keys() == expected.keys()
    for unique_id, record in found.items():
        assert record.keys() == expected[unique_id].keys()
        for name in ("status", "criteria", "max_loaded_at", "adapter_response"):
            assert record[name] == expected[unique_id][name]
    assert ours.exit_code == theirs.exit_code == 1
    assert ours.ran is not None
    assert any("archive" in note for note in ours.ran.plan.notes)


@pytest.mark.parametrize("flag", ["", "flags: {source_freshness_run_project_hooks: false}"])
def test_freshness_runs_the_hooks_that_dbt_runs(everything: Path, tmp_path: Path, flag: str) -> None:
    """The hooks of the project stand around `elt freshness` as around dbt's, and read the same results."""
    project = (everything / "dbt_project.yml").read_text()
    kept = "flags:\n  send_anonymous_usage_stats: false"
    assert kept in project
    sources = (everything / "models" / "sources.yml").read_text()
    changes = {
        "dbt_project.yml": project.replace(kept, flag or kept),
        "models/sources.yml": sources.replace("- name: archive", "- {name: archive, freshness: null}"),
    }
    theirs, ours = both(
        everything,
        tmp_path,
        lambda place: dbt(place, "source", "freshness"),
        lambda place: elt(place, verb=Verb.FRESHNESS),
        changes,
    )
    assert ours.tables() == theirs.tables()
    assert ("audit.hooks" in ours.tables()) is not bool(flag)
    assert not (ours.folder / "target" / "run_results.json").exists()


def test_dbt_selects_by_our_freshness(everything: Path, tmp_path: Path) -> None:
    """`dbt ls --select source_status:fresher+` compares two files of ours."""
    folder = copied(everything, tmp_path / "elt")
    elt(folder, verb=Verb.FRESHNESS)
    shutil.copytree(folder / "target", folder / "state")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("update raw.orders set loaded_at = now()::timestamp")
    elt(folder, verb=Verb.FRESHNESS)
    listed = dbt_lines(folder, "--select", "source_status:fresher+1", "--state", "state", "--resource-type", "model")
    assert listed == ["everything.staging.stg_orders"]
