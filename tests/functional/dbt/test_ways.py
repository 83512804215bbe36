"""Which nodes of a real project are executed with generated statements, and why dbt executes the others."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.definition import Macro
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.manifest import manifest_from
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.ways.generated_sql import GeneratedKind
from orchestrator.ways.way import NodeWay, Ways
from tests.factories import make_step
from tests.functional.dbt.sides import dbt

pytestmark = pytest.mark.functional
TARGET = Target(name="dev", adapter="duckdb", threads=1, database="warehouse", path="/data/warehouse.duckdb")
SELECT = "select 1 as id"
BATCHES = "materialized='incremental', incremental_strategy='microbatch'"
MODELS = {
    "a_view": ("materialized='view', tags=['t'], meta={'owner': 'x'}, access='public'", ""),
    "a_table": ("materialized='table', full_refresh=true, on_schema_change='ignore'", ""),
    "hooked": ("post_hook='select 1'", "its configuration has post-hook"),
    "hooked_before": ("pre_hook='select 1'", "its configuration has pre-hook"),
    "granted": ("grants={'select': ['x']}", "its configuration has grants"),
    "documented": ("persist_docs={'relation': true}", "its configuration has persist_docs"),
    "contracted": ("contract={'enforced': true}", "its configuration has contract"),
    "headed": ("sql_header='set x = 1;'", "its configuration has sql_header"),
    "indexed": ("materialized='table', indexes=[{'columns': ['id']}]", "its configuration has indexes"),
    "partitioned": ("materialized='table', partitioned_by=['id']", "its configuration has partitioned_by"),
    "of_the_user": ("anything='else'", "its configuration has anything"),
    "unquoted": ("database='other'", "the database other is attached"),
    "incremental": ("materialized='incremental'", "incremental"),
    "merged": ("materialized='incremental', unique_key='id', incremental_strategy='merge'", "incremental"),
    "hooked_too": ("materialized='incremental', post_hook='select 1'", "incremental"),
    "in_batches": (f"{BATCHES}, event_time='id', begin='2026-01-01', batch_size='year'", "incremental"),
    "external": ("materialized='external'", "external"),
}
TESTS = {
    "plain": ("", ""),
    "limits": ("severity: warn, warn_if: '> 1', error_if: '> 2', where: id > 0, tags: [t]", ""),
    "stored": ("store_failures: true", "its configuration has store_failures"),
    "stored_as_view": ("store_failures_as: view", "its configuration has store_failures"),
    "few": ("limit: 5", "its configuration has limit"),
    "counted": ("fail_calc: sum(id)", "its configuration has fail_calc"),
}
GENERATED_TESTS = ("plain", "limits", "singular")
PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs: {dev: {type: duckdb, path: warehouse.duckdb}}\n",
    **{f"models/{name}.sql": f"{{{{ config({config}) }}}} {SELECT}" for name, (config, _) in MODELS.items()},
    "models/versioned_v1.sql": SELECT,
    "models/a_python_model.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n    return None\n",
    "models/models.yml": "models:\n"
    "  - {name: contracted, columns: [{name: id, data_type: int}]}\n"
    "  - {name: versioned, versions: [{v: 1}]}\n"
    "  - name: a_view\n    columns:\n      - name: id\n        data_tests:\n"
    + "".join(f"          - not_null: {{name: {name}, config: {{{config}}}}}\n" for name, (config, _) in TESTS.items()),
    "tests/singular.sql": "select * from {{ ref('a_view') }} where id > 1",
    "seeds/a_seed.csv": "id\n1\n",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Parse the project with the installed dbt."""
    folder = tmp_path_factory.mktemp("ways")
    for path, text in PROJECT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    parsed = dbt(folder, "parse")
    assert parsed.exit_code == 0, parsed.trouble
    path = folder / "target" / "manifest.json"
    return manifest_from(json.loads(path.read_bytes()), path)


def reasons(manifest: Manifest, target: Target = TARGET, *, stores_failures: bool = False) -> dict[str, str]:
    """Return why dbt executes each node, by its name."""
    ways = Ways(manifest, target, stores_failures=stores_failures)
    return {node.name: ways.why_dbt(node) for node in manifest.nodes.values()}


def test_only_nodes_of_the_usual_kinds_with_known_configuration_are_generated(manifest: Manifest) -> None:
    """Of the others, dbt's reason is the first thing in them that is not known to be without effect."""
    expected = {name: why for name, (_, why) in (MODELS | TESTS).items()}
    assert reasons(manifest) == {
        **expected,
        "singular": "",
        "a_seed": "seed",
        "versioned": "it has versions",
        "a_python_model": "it is written in python",
    }
    kinds = Ways(manifest, TARGET).generated([*manifest.nodes, NodeId("model.shop.unknown")])
    assert {manifest.nodes[node].name: kind for node, kind in kinds.items()} == {
        "a_view": GeneratedKind.VIEW,
        "a_table": GeneratedKind.TABLE,
        **dict.fromkeys(GENERATED_TESTS, GeneratedKind.TEST),
    }


def test_what_dbt_sends_is_sent_again_for_nodes_with_known_configuration(manifest: Manifest) -> None:
    """Not for microbatch models, nor with a full refresh, nor if the project overrides what sends."""
    nodes = {node.name: node.unique_id for node in manifest.nodes.values()}
    replayed = {"incremental", "merged", "a_seed"}
    everything = manifest.nodes.keys()
    assert Ways(manifest, TARGET).replayable(everything) == {nodes[name] for name in replayed}
    assert not Ways(manifest, TARGET, plain=True).replayable(everything)
    assert not Ways(manifest, TARGET, refreshes=True).replayable(everything)
    attached = replace(TARGET, database="another")
    assert not Ways(manifest, attached).replayable(everything)
    for name in ("materialization_incremental_duckdb", "get_incremental_merge_sql", "duckdb__make_temp_relation"):
        own = Macro(unique_id=NodeId(f"macro.shop.{name}"), name=name, package="shop", path="macros/own.sql", code="x")
        overridden = replace(manifest, macros={**manifest.macros, own.unique_id: own})
        assert nodes["merged"] not in Ways(overridden, TARGET).replayable(everything), name


def test_the_way_of_a_step_says_why_dbt_executes_it(manifest: Manifest) -> None:
    """The materialization, and what in the node or the command keeps its statements from being sent again."""
    nodes = {node.name: node for node in manifest.nodes.values()}

    def way(name: str, ways: Ways) -> tuple[NodeWay, str]:
        step = replace(make_step(name), node=nodes[name].unique_id)
        found = ways.of_steps(Plan(steps=(step,)))[step.id]
        return found.way, found.why_dbt

    ways = Ways(manifest, TARGET)
    assert way("a_view", ways) == (NodeWay.GENERATED, "")
    assert way("merged", ways) == (NodeWay.REPLAYED, "")
    assert way("hooked_too", ways) == (NodeWay.BY_DBT, "incremental: its configuration has post-hook")
    assert way("in_batches", ways) == (NodeWay.BY_DBT, "incremental: microbatch")
    assert way("merged", Ways(manifest, TARGET, refreshes=True)) == (NodeWay.BY_DBT, "incremental: --full-refresh")
    assert way("merged", Ways(manifest, TARGET, plain=True)) == (NodeWay.BY_DBT, "--plain")
    assert way("external", ways) == (NodeWay.BY_DBT, "external")


def test_store_failures_of_a_command_leaves_the_tests_to_dbt(manifest: Manifest) -> None:
    """Not those that say themselves that they store nothing; views and tables are generated."""
    found = reasons(manifest, stores_failures=True)
    assert (found["plain"], found["a_view"]) == ("it stores its failures", "")


@pytest.mark.parametrize(
    ("name", "left_to_dbt"),
    [
        # dbt's test materialization calls these to store failures.
        ("create_view_as", {"a_view", *GENERATED_TESTS}),
        ("default__create_view_as", {"a_view", *GENERATED_TESTS}),
        ("duckdb__create_table_as", {"a_table", *GENERATED_TESTS}),
        ("run_hooks", {"a_view", "a_table"}),
        ("statement", {"a_view", "a_table", *GENERATED_TESTS}),
        ("get_test_sql", {*GENERATED_TESTS}),
        ("materialization_view_duckdb", {"a_view"}),
        ("materialization_test_default", {*GENERATED_TESTS}),
        ("generate_schema_name", set()),
        ("cents_to_dollars", set()),
        ("default__test_not_null", set()),
    ],
)
@pytest.mark.parametrize("package", ["shop", "a_package"])
def test_a_macro_that_a_materialization_can_reach_leaves_its_nodes_to_dbt(
    manifest: Manifest, name: str, left_to_dbt: set[str], package: str
) -> None:
    """Wherever it is defined; other macros of the project make no difference."""
    own = Macro(
        unique_id=NodeId(f"macro.{package}.{name}"), name=name, package=package, path=f"macros/{name}.sql", code="x"
    )
    found = reasons(replace(manifest, macros={**manifest.macros, own.unique_id: own}))
    before = reasons(manifest)
    assert {node for node, why in found.items() if why and not before[node]} == left_to_dbt
    assert all(found[node] == f"the project overrides the macro {name}" for node in left_to_dbt)


def test_a_macro_of_dbt_with_an_unknown_text_leaves_its_nodes_to_dbt(manifest: Manifest) -> None:
    """Such as that of a release that has not been reviewed yet."""
    changed = {
        key: replace(macro, code=f"{macro.code} ")
        if macro.name != "duckdb__create_view_as"
        else replace(macro, code="")
        for key, macro in manifest.macros.items()
    }
    found = reasons(replace(manifest, macros=changed))
    assert found["a_view"] == "the macro duckdb__create_view_as is not one that is known"
    assert found["a_table"] == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda target: replace(target, adapter="postgres", path=None),
            "the target is not a DuckDB file of this process",
        ),
        (lambda target: replace(target, path="md:shop"), "the target is not a DuckDB file of this process"),
        (lambda target: replace(target, is_for_dbt_alone=True), "the target is not a DuckDB file of this process"),
        (lambda target: replace(target, only_dbt_executes="retries"), "the profile has retries"),
        (lambda target: replace(target, path=":memory:"), ""),
    ],
)
def test_the_target_decides_first(manifest: Manifest, change: Callable[[Target], Target], why: str) -> None:
    """Only a DuckDB that dbt opens in this process, in the usual way."""
    assert reasons(manifest, change(TARGET))["a_view"] == why
