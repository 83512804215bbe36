"""A run that reuses every step does not start dbt, and leaves what the same run leaves with dbt."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.dbt.artifact_head import head_of
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.adapters.dbt.run_records import KeptRecords, OpenRecords
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.api import run
from orchestrator.cli.main import run_command_line
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.command import Command
from orchestrator.plan.status import Status
from tests.functional.dbt.kept import CHANGES, PACKAGE, kept, settled
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional

MORE = {
    **PACKAGE,
    "models/docs.md": "{% docs a %}x{% enddocs %}",
    "seeds/rates.csv": "currency,rate\nEUR,1\n",
    "snapshots/kept.yml": """
        snapshots:
          - name: kept
            relation: ref('rates')
            config: {unique_key: currency, strategy: check, check_cols: all}
        """,
    "models/more.yml": """
        models: [{name: no_such_model, description: x}]
        exposures:
          - {name: weekly, type: dashboard, owner: {name: Ann}, depends_on: [ref('fct_orders')]}
        unit_tests:
          - name: one_order
            model: stg_orders
            given: [{input: "source('raw', 'orders')", rows: [{id: 1, customer_id: 1, amount: 2}]}]
            expect: {rows: [{order_id: 1, amount: 2}]}
        """,
}
UNCHANGED = ("--skip-unchanged",)
MOMENTS = re.compile(
    r"/(invocation_id|invocation_started_at|generated_at|run_started_at|created_at|elapsed_time"
    r"|started_at|completed_at|execution_time|thread_id)$"
)


def ran(root: Path, *words: str) -> int:
    return run_command_line(["run", "--project-dir", str(root), *words])


def artifact(root: Path, name: str) -> Any:
    return json.loads((root / "target" / name).read_text())


def values(document: Any, path: str = "") -> dict[str, object]:
    """Give each value of a document by its path, without those that differ in each invocation."""
    parts = document.items() if isinstance(document, dict) else enumerate(document)
    found: dict[str, object] = {}
    for key, value in parts:
        here = f"{path}/{key}"
        if isinstance(value, dict | list) and value:
            found |= values(value, here)
        elif not MOMENTS.search(here):
            found[here] = value
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop that was built, with dbt's answers kept."""
    root = settled(write_shop(tmp_path / "shop", MORE))
    assert ran(root) == 0
    return root


def test_a_run_that_reuses_everything_does_not_open_dbt(shop: Path, opened, capfd) -> None:
    """The run before it kept the answers."""
    assert ran(shop, *UNCHANGED) == 0
    out = capfd.readouterr().out
    assert opened == []
    assert re.search(r"success in .*: 1 success, 19 reused$", out, re.MULTILINE)
    assert "no_such_model" in out, "a warning of the parse is given again"


def test_a_run_that_reuses_everything_does_not_import_dbt(shop: Path) -> None:
    """Importing it takes longer than everything else."""
    code = (
        "import sys\nfrom orchestrator.cli.main import run_command_line\n"
        f"code = run_command_line(['run', '--skip-unchanged', '--project-dir', {str(shop)!r}])\n"
        "tools = {'dbt', 'dbt_common', 'dlt', 'great_expectations', 'agate'}\n"
        "print('LOADED', code, *sorted({name.partition('.')[0] for name in sys.modules} & tools))"
    )

    def loaded() -> set[str]:
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return {*said.stdout.splitlines()[-1].split()}

    assert {"LOADED", "0", "dbt"} <= loaded(), "started in another way, with other places to import from"
    assert loaded() == {"LOADED", "0"}


def test_its_artifacts_are_those_of_the_same_run_with_dbt(shop: Path, opened, monkeypatch) -> None:
    """Field by field, but for ids and times."""
    monkeypatch.setenv("DBT_ENV_CUSTOM_ENV_TEAM", "finance")
    words = (*UNCHANGED, "--vars", "{since: 2024}", "--exclude", "dim_customers")
    names = ("run_results.json", "manifest.json", "semantic_manifest.json")
    assert ran(shop, *words) == 0
    assert len(opened) == 1
    with_dbt = {name: artifact(shop, name) for name in names}
    for name in ("manifest.json", "semantic_manifest.json"):  # as another target would leave them
        (shop / "target" / name).write_text("{}")
    assert ran(shop, *words) == 0
    assert len(opened) == 1
    without = {name: artifact(shop, name) for name in names}
    for name in names:
        assert values(without[name]) == values(with_dbt[name])
        assert list(without[name]) == list(with_dbt[name])
    results, manifest = without["run_results.json"]["metadata"], without["manifest.json"]["metadata"]
    assert results["env"] == {"TEAM": "finance"}
    assert list(results) == list(with_dbt["run_results.json"]["metadata"])
    assert (
        results["invocation_id"]
        == manifest["invocation_id"]
        != with_dbt["run_results.json"]["metadata"]["invocation_id"]
    )
    assert results["invocation_started_at"] < results["generated_at"]
    assert without["run_results.json"]["args"]["invocation_command"].startswith("dbt build ")


def test_dbt_reads_the_artifacts_of_a_run_without_it(shop: Path) -> None:
    """dbt's own classes read what was written without them."""
    from dbt.artifacts.schemas.manifest import WritableManifest
    from dbt.artifacts.schemas.run import RunResultsArtifact

    assert ran(shop, *UNCHANGED) == 0
    results = RunResultsArtifact.read_and_check_versions(str(shop / "target/run_results.json"))
    manifest = WritableManifest.read_and_check_versions(str(shop / "target/manifest.json"))
    assert {record.unique_id for record in results.results} <= {
        *manifest.nodes,
        *manifest.unit_tests,
        *manifest.exposures,
    }
    assert results.metadata.invocation_id == manifest.metadata.invocation_id


def test_results_without_figures_are_those_of_dbt(everything: Path, tmp_path: Path) -> None:
    """For a node of every type, skipped, lost, or reused from a run that is forgotten."""
    folder = Path(shutil.copytree(everything, tmp_path / "project"))
    session = DbtSession(folder)
    session.open(("build", "--fail-fast", "--project-dir", str(folder), "--profiles-dir", str(folder)))
    try:
        written = session.parse()
        head = head_of(session)
        ours = KeptRecords(ParsedManifest(path=written.path, content=written.read()), head, fail_fast=True)
        theirs = OpenRecords(session, NodeRuns(session, planned=[], added=[]), head)
        manifest = session.manifest
        sections = (manifest.nodes, manifest.unit_tests, manifest.exposures, manifest.saved_queries, manifest.functions)
        nodes = [NodeId(node) for section in sections for node in section]
        assert len({node.partition(".")[0] for node in nodes}) > 7
        for node in nodes:
            assert json.loads(ours.encode(ours.skipped(node))) == json.loads(theirs.encode(theirs.skipped(node)))
            assert ours.lost(node, "over its limit") == theirs.lost(node, "over its limit")
            assert ours.reused(node, "success") == theirs.reused(node, "success")
    finally:
        session.close()


def test_without_write_json_no_artifact_is_written(shop: Path) -> None:
    """dbt's flag holds as in any run."""
    before = {name: (shop / "target" / name).read_bytes() for name in ("run_results.json", "manifest.json")}
    for _ in range(2):
        assert ran(shop, *UNCHANGED, "--no-write-json") == 0
    assert {name: (shop / "target" / name).read_bytes() for name in before} == before


def test_a_run_that_builds_something_keeps_what_the_next_one_needs(shop: Path, opened) -> None:
    """After an edit dbt runs; the run after that does without it."""
    (shop / "models/marts/fct_orders.sql").write_text("select order_id, amount from {{ ref('int_orders') }}")
    (shop / "models/marts/dim_customers.sql").unlink()
    yml = shop / "models/marts/marts.yml"
    yml.write_text(yml.read_text().partition("- name: dim_customers")[0])
    settled(shop)
    statuses = [outcome.status for outcome in run(Command(project_dir=shop, skip_unchanged=True)).outcomes]
    assert {*statuses} == {Status.SUCCESS, Status.REUSED}
    assert len(opened) == 1
    again = run(Command(project_dir=shop, skip_unchanged=True)).outcomes
    assert {one.status for one in again if not one.step_id.startswith("exposure.")} == {Status.REUSED}
    assert len(opened) == 1


def test_nothing_is_kept_if_an_input_changes_during_the_run(tmp_path: Path, monkeypatch) -> None:
    """The next run has dbt parse again."""
    root = settled(write_shop(tmp_path / "shop", MORE))
    really_run = NodeRuns.run_node

    def edited(runs, node):
        (root / "models/marts/fct_orders.sql").write_text("select 1 as order_id")
        return really_run(runs, node)

    monkeypatch.setattr(NodeRuns, "run_node", edited)
    assert ran(root) == 0
    assert kept(root) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_run_after_a_change_does_what_it_does_when_nothing_is_kept(
    built: Path, tmp_path: Path, opened, monkeypatch, change
) -> None:
    """Whatever was changed, and however its times were restored."""
    found = []
    for is_kept in (False, True):
        shutil.rmtree(built)
        shutil.copytree(built.with_name("template"), built, symlinks=True)
        with monkeypatch.context() as patch:
            if not is_kept:
                shutil.rmtree(built / ".elt/parsed")
            change(built, patch)
            opened.clear()
            ended = run(Command(project_dir=built, skip_unchanged=True))
            assert len(opened) == 1
            found.append({outcome.step_id: (outcome.status, outcome.reason.code) for outcome in ended.outcomes})
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that was built, with dbt's answers kept, beside a copy of it."""
    root = settled(write_shop(tmp_path_factory.mktemp("built") / "shop", {**MORE, "models/more.yml": None}))
    assert ran(root) == 0
    assert kept(root)
    shutil.copytree(root, root.with_name("template"), symlinks=True)
    return root


def test_a_copy_of_the_project_in_the_same_place_is_unchanged(built: Path, opened) -> None:
    """Contents count, not times: what the tests above rest on."""
    shutil.rmtree(built)
    shutil.copytree(built.with_name("template"), built, symlinks=True)
    assert {outcome.status for outcome in run(Command(project_dir=built, skip_unchanged=True)).outcomes} == {
        Status.REUSED
    }
    assert opened == []


@pytest.fixture
def no_codes(monkeypatch) -> None:
    """Let no compiled code be kept, so that dbt executes every node that is due."""
    monkeypatch.setattr(ProjectAnswers, "codes", {})


@pytest.mark.usefixtures("no_codes")
def test_a_table_that_was_changed_by_hand_is_built_by_a_dbt_that_is_opened_then(shop: Path, opened) -> None:
    """The answers are valid, and so dbt reads the same project."""
    sql(shop, "drop table main.fct_orders")
    ended = run(Command(project_dir=shop, skip_unchanged=True))
    by_step = {outcome.step_id: outcome.status for outcome in ended.outcomes}
    assert by_step[NodeId("model.shop.fct_orders")] is Status.SUCCESS
    assert by_step[NodeId("model.shop.stg_orders")] is Status.REUSED
    assert len(opened) == 1


@pytest.mark.usefixtures("no_codes")
def test_dbt_that_is_opened_in_a_run_has_the_start_of_the_command(shop: Path, opened) -> None:
    """As if it had been opened first."""
    sql(shop, "drop table main.fct_orders")
    run(Command(project_dir=shop, skip_unchanged=True))
    metadata = artifact(shop, "run_results.json")["metadata"]
    assert metadata["invocation_id"] == artifact(shop, "manifest.json")["metadata"]["invocation_id"]
    assert metadata["invocation_started_at"] < metadata["generated_at"]


@pytest.mark.usefixtures("no_codes")
def test_an_input_that_changes_before_dbt_is_opened_ends_the_run_before_anything_is_built(
    shop: Path, monkeypatch, capfd
) -> None:
    """The plan and the build would be of two states of the project."""
    sql(shop, "drop table main.fct_orders")
    really_open = DbtSession.open

    def edited(session, *args):
        (shop / "models/marts/fct_orders.sql").write_text("select 1 as order_id")
        return really_open(session, *args)

    monkeypatch.setattr(DbtSession, "open", edited)
    assert ran(shop, *UNCHANGED) == 2
    assert "changed while it was read" in capfd.readouterr().err
    assert sql(shop, "from information_schema.tables where table_name = 'fct_orders'") == []


LOADED: Mapping[str, str] = {
    "dbt_project.yml": "name: mini\nversion: '1.0'\nprofile: mini\nmodels: {+materialized: table}\n",
    "profiles.yml": "mini: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}}\n",
    "elt.yml": "repeats: {ingest: none}\n",
    "models/of_orders.sql": "select * from {{ source('web', 'orders') }}\n",
    "models/more_of_orders.sql": "select * from {{ source('web', 'orders') }} where id > 0\n",
    "models/total.sql": "select count(*) as orders from {{ ref('of_orders') }}\n",
    "models/sources.yml": "sources: [{name: web, tables: [{name: orders}]}]\n",
    "ingestion/web.py": """
        import os

        import dlt

        @dlt.source
        def web():
            return orders

        @dlt.resource(write_disposition="append")
        def orders(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n} for n in range(int(os.environ["ORDERS"]))]
        """,
}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch) -> Path:
    """A project whose models read what dlt loads; it was built from three orders."""
    from tests.functional.shop import _write

    root = tmp_path / "mini"
    _write(root, LOADED)
    settled(root)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("ORDERS", "3")
    assert ran(root) == 0
    return root


def outcomes(root: Path) -> dict[str, tuple[str, str]]:
    ended = run(Command(project_dir=root, skip_unchanged=True))
    return {one.step_id.rpartition(".")[2]: (one.status.value, one.message) for one in ended.outcomes}


def test_a_load_without_new_rows_leaves_dbt_closed(loaded: Path, opened) -> None:
    """The models are decided when the load has ended."""
    assert {name: status for name, (status, _) in outcomes(loaded).items()} == {
        "elt_web": "no_data",
        "of_orders": "reused",
        "more_of_orders": "reused",
        "total": "reused",
    }
    assert opened == []


@pytest.mark.usefixtures("no_codes")
def test_the_first_step_after_a_load_with_new_rows_opens_dbt(loaded: Path, opened, monkeypatch) -> None:
    """Two steps need it at once; it is opened once, and sees the rows of the load."""
    monkeypatch.setenv("ORDERS", "5")
    assert {status for status, _ in outcomes(loaded).values()} == {"success"}
    assert len(opened) == 1
    assert sql(loaded, "select orders from main.total") == [(5,)]
    records = artifact(loaded, "run_results.json")["results"]
    assert {record["unique_id"]: record["status"] for record in records} == {
        f"model.mini.{name}": "success" for name in ("of_orders", "more_of_orders", "total")
    }
    assert all("compiled_code" in node for node in artifact(loaded, "manifest.json")["nodes"].values())


@pytest.mark.usefixtures("no_codes")
def test_dbt_that_cannot_be_opened_in_the_run_is_the_error_of_each_step(loaded: Path, monkeypatch) -> None:
    """No outcome is lost, nothing is built, and what changed is named once for each step that needed dbt."""
    monkeypatch.setenv("ORDERS", "5")
    really_open = DbtSession.open

    def edited(session, *args):
        (loaded / "models/total.sql").write_text("select 1 as orders")
        return really_open(session, *args)

    monkeypatch.setattr(DbtSession, "open", edited)
    found = outcomes(loaded)
    assert found["elt_web"][0] == "success"
    for name in ("of_orders", "more_of_orders"):
        assert found[name][0] == "error"
        assert "changed while it was read" in found[name][1]
    assert found["total"][0] == "skipped"
    assert sql(loaded, "select count(*) from main.of_orders") == [(3,)]
    records = {one["unique_id"]: one["status"] for one in artifact(loaded, "run_results.json")["results"]}
    assert records["model.mini.total"] == "skipped"


def test_an_invocation_has_its_own_ids(shop: Path) -> None:
    """Two runs without dbt do not share theirs."""
    found = set()
    for _ in range(2):
        assert ran(shop, *UNCHANGED) == 0
        found.add(artifact(shop, "run_results.json")["metadata"]["invocation_id"])
    assert len(found) == 2


def built_again(root: Path, **options: Any) -> set[str]:
    """Run what changed, and give the names of the models that were built."""
    ended = run(Command(project_dir=root, skip_unchanged=True, **options))
    return {
        one.step_id.rpartition(".")[2]
        for one in ended.outcomes
        if one.status is Status.SUCCESS and one.step_id.startswith("model.")
    }


def test_a_variable_that_is_set_changed_or_removed_rebuilds_what_reads_it(tmp_path: Path, opened, monkeypatch) -> None:
    """Other variables do not count; each state of a variable is compared with the one before."""
    region = 'select \'{{ env_var("SHOP_REGION", "none") }}\' as region'
    root = settled(write_shop(tmp_path / "shop", {"models/region.sql": region}))
    assert ran(root) == 0
    opened.clear()
    for change in (lambda: monkeypatch.setenv("SHOP_REGION", "north"), lambda: monkeypatch.delenv("SHOP_REGION")):
        change()
        assert built_again(root) == {"region"}
        assert len(opened) == 1
        monkeypatch.setenv("UNRELATED", str(len(opened)))
        assert built_again(root) == set()
        assert len(opened) == 1
        opened.clear()


def test_another_value_of_a_var_rebuilds_what_reads_it(tmp_path: Path, opened) -> None:
    """Each command line of dbt has answers of its own."""
    since = 'select \'{{ var("since", "none") }}\' as since'
    root = settled(write_shop(tmp_path / "shop", {"models/since.sql": since}))
    assert ran(root) == 0
    assert built_again(root, dbt_options=("--vars", "{since: 2024}")) == {"since"}
    opened.clear()
    assert built_again(root, dbt_options=("--vars", "{since: 2024}")) == set()
    assert opened == []


def test_another_release_of_an_installed_package_has_dbt_parse_again(tmp_path: Path, opened, monkeypatch) -> None:
    """Whatever the package is: dbt may use it."""
    root = settled(write_shop(tmp_path / "shop"))
    places = tmp_path / "places"
    (places / "some_plugin-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(places))
    assert ran(root) == 0
    opened.clear()
    assert built_again(root) == set()
    assert opened == []
    (places / "some_plugin-1.0.dist-info").rename(places / "some_plugin-1.1.dist-info")
    assert built_again(root) == set()
    assert len(opened) == 1
