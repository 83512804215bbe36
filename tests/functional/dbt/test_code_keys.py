"""After an edit, dbt compiles only what the edit can change; the rest is executed from the code that is known."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.dbt.code_keys import CodeKeys
from tests.functional.dbt.sides import elt
from tests.functional.dbt.test_direct_runs import CLOCK, FILES, direct, project, result_of

__all__ = ["direct", "project"]
pytestmark = pytest.mark.functional

MORE = {
    "models/raw.yml": "sources: [{name: raw, schema: main, tables: [{name: ids, identifier: a_view}]}]\n",
    "models/from_source.sql": "select id from {{ source('raw', 'ids') }}",
    "models/beside.sql": "select 1 as id",
    "models/names.sql": "select '{% if execute %}{{ graph.nodes | length }}{% endif %}' as number_of_nodes",
    "models/chosen.sql": "{% if var('wide', false) %}select 1 as a, 2 as b{% else %}select 1 as a{% endif %}",
}
PROJECT, PROFILE, MODELS = "dbt_project.yml", "profiles.yml", "models/models.yml"
ALWAYS = {"names"}
"""It reads the whole graph, so dbt compiles it each time."""
EVERY_NODE = {
    *("a_view", "between", "a_table", "last", "few", "from_source", "beside", "names", "chosen"),
    *("unique_a_view_id", "not_null_a_view_id", "accepted_values_a_table_factor__1__2"),
}
OF_THE_TABLE = {"a_table", "accepted_values_a_table_factor__1__2", "last"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "compiled"),
    [
        ({}, set()),
        ({"models/beside.sql": "select 2 as id"}, {"beside"}),
        ({"models/a_view.sql": "select 5 as id, 'x' as shop"}, {"a_view"}),
        ({"models/between.sql": FILES["models/between.sql"] + " where true"}, {"between", "a_table"}),
        (
            {"models/a_view.sql": "{{ config(alias='b_view') }} " + FILES["models/a_view.sql"]},
            {"a_view", "between", "a_table", "unique_a_view_id", "not_null_a_view_id"},
        ),
        ({"models/a_table.sql": FILES["models/a_table.sql"].replace("marts", "other")}, OF_THE_TABLE),
        (
            {MODELS: FILES[MODELS].replace("error_if: '> 1'", "error_if: '> 2'")},
            {"accepted_values_a_table_factor__1__2"},
        ),
        ({MODELS: FILES[MODELS].replace("name: last", "name: last, description: x")}, set()),
        ({"models/raw.yml": MORE["models/raw.yml"].replace("identifier: a_view", "identifier: last")}, {"from_source"}),
        ({"macros/twice.sql": "{% macro twice(x) %}{{ x }} + {{ x }}{% endmacro %}"}, EVERY_NODE),
        ({"macros/new.sql": "{% macro new() %}{% endmacro %}"}, EVERY_NODE),
        ({PROJECT: FILES[PROJECT] + "vars: {wide: true}\n"}, EVERY_NODE),
        ({PROFILE: FILES[PROFILE].replace("threads: 2", "threads: 1")}, EVERY_NODE),
        ({"models/new.sql": "select * from {{ ref('beside') }}"}, {"new"}),
        ({"models/from_source.sql": None}, set()),
    ],
)
def test_only_what_an_edit_can_change_is_compiled_again(
    project: Callable[..., Path], direct: list[str], edits: Mapping[str, str | None], compiled: set[str]
) -> None:
    """And the run leaves what a run leaves in which dbt does everything."""
    folder = project(MORE)
    assert elt(folder).exit_code == 0
    apply(folder, edits)
    assert elt(folder).exit_code == 0
    present = EVERY_NODE | {Path(path).stem for path in edits if path == "models/new.sql"}
    present -= {Path(path).stem for path, text in edits.items() if text is None}
    assert set(direct) == present - compiled - ALWAYS
    left = result_of(folder)
    direct.clear()
    assert elt(folder, plain=True).exit_code == 0
    assert not direct
    assert result_of(folder) == left


def test_what_was_compiled_again_is_known_to_the_next_run(project: Callable[..., Path], direct: list[str]) -> None:
    """So is what was not, also after several edits."""
    folder = project(MORE)
    assert elt(folder).exit_code == 0
    for number in (2, 3):
        apply(folder, {"models/beside.sql": f"select {number} as id"})
        direct.clear()
        assert elt(folder).exit_code == 0
        assert set(direct) == EVERY_NODE - ALWAYS - {"beside"}
    direct.clear()
    assert elt(folder).exit_code == 0
    assert set(direct) == EVERY_NODE - ALWAYS


def test_a_run_with_other_vars_uses_code_of_its_own(project: Callable[..., Path], direct: list[str]) -> None:
    """Each command line has its own."""
    folder = project(MORE)
    for options in ((), ("--vars", "wide: true")):
        assert elt(folder, *options).exit_code == 0
        assert not direct
    apply(folder, {"models/beside.sql": "select 2 as id"})
    assert elt(folder, "--vars", "wide: true").exit_code == 0
    assert set(direct) == EVERY_NODE - ALWAYS - {"beside"}
    assert "as b" in (folder / "target/compiled/shop/models/chosen.sql").read_text()


@pytest.mark.slow
def test_dbt_inlines_an_ephemeral_model_that_was_not_compiled_in_this_run(
    project: Callable[..., Path], direct: list[str]
) -> None:
    """With the code of the model alone: what it inlines itself comes once, so both see the same random number."""
    child = "select count(*) as n from {{ ref('drawn') }} a join {{ ref('again') }} b on a.r = b.r"
    files = {
        "models/drawn.sql": "{{ config(materialized='ephemeral') }} select random() as r",
        "models/again.sql": "{{ config(materialized='ephemeral') }} select r from {{ ref('drawn') }}",
    }
    folder = project({**files, "models/child.sql": child})
    assert elt(folder).exit_code == 0
    apply(folder, {"models/child.sql": f"{child} where true"})
    for _ in range(2):
        assert elt(folder).exit_code == 0
        assert {"drawn", "again"} <= set(direct)
        left = result_of(folder)
        with duckdb.connect(folder / "warehouse.duckdb") as connection:
            assert connection.execute("select n from child").fetchall() == [(1,)]
    assert direct.count("child") == 1
    assert elt(folder, plain=True).exit_code == 0
    assert result_of(folder) == left


def test_what_dbtignore_names_is_no_model(project: Callable[..., Path], direct: list[str]) -> None:
    """Nor is it executed from what is known of it."""
    folder = project(MORE)
    for _ in range(2):
        assert elt(folder).exit_code == 0
    assert "beside" in direct
    direct.clear()
    apply(folder, {".dbtignore": "models/beside.sql\n"})
    for _ in range(2):
        assert elt(folder).exit_code == 0
    assert "beside" not in direct


VARIANTS: Mapping[str, tuple[str | None, ...]] = {
    "models/a_view.sql": (FILES["models/a_view.sql"], "select 5 as id, 'x' as shop", "select 1 as id, 'y' as shop"),
    "models/between.sql": (FILES["models/between.sql"], FILES["models/between.sql"] + " where id > 0"),
    "models/a_table.sql": (
        FILES["models/a_table.sql"],
        FILES["models/a_table.sql"].replace("schema='marts'", "alias='renamed'"),
        FILES["models/a_table.sql"].replace("table", "view"),
    ),
    "models/raw.yml": (
        MORE["models/raw.yml"],
        MORE["models/raw.yml"].replace("identifier: a_view", "identifier: last"),
    ),
    "models/beside.sql": (MORE["models/beside.sql"], "select {{ twice(3) }} as id", None),
    "models/new.sql": (None, "select * from {{ ref('chosen') }}"),
    "macros/twice.sql": (FILES["macros/twice.sql"], "{% macro twice(x) %}{{ x }} * 3{% endmacro %}"),
    "macros/generate_schema_name.sql": (
        None,
        "{% macro generate_schema_name(name, node) %}{{ name or 'main' }}{% endmacro %}",
    ),
    "macros/get_where_subquery.sql": (
        None,
        "{% macro get_where_subquery(relation) %}(select * from {{ relation }} where true){% endmacro %}",
    ),
    MODELS: (FILES[MODELS], FILES[MODELS].replace("[1, 2]", "[1, 2, 3]"), FILES[MODELS].replace("unique, ", "")),
    PROJECT: (
        FILES[PROJECT],
        FILES[PROJECT] + "vars: {wide: true, factor: 2}\n",
        FILES[PROJECT] + "models: {+schema: deep}\n",
    ),
}


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.lists(st.lists(st.sampled_from(sorted(VARIANTS)), min_size=1, max_size=2), min_size=3, max_size=3), st.data())
def test_after_any_edits_a_run_leaves_what_dbt_leaves(
    tmp_path_factory: pytest.TempPathFactory, edited: list[list[str]], data: st.DataObject
) -> None:
    """Each edit replaces some files by one of their variants, also by one that was there before."""
    folder = tmp_path_factory.mktemp("edited") / "project"
    apply(folder, {**FILES, **MORE})
    assert elt(folder).exit_code == 0
    for paths in edited:
        apply(folder, {path: data.draw(st.sampled_from(VARIANTS[path])) for path in paths})
        by_elt = elt(folder)
        left = result_of(folder)
        by_dbt = elt(folder, plain=True)
        assert by_elt.exit_code == by_dbt.exit_code
        if by_dbt.exit_code == 0:
            assert result_of(folder) == left


def apply(folder: Path, edits: Mapping[str, str | None]) -> None:
    for path, text in edits.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text)
    time.sleep(CLOCK)


def entry(name: str, parents: tuple[str, ...] = (), **fields: object) -> dict[str, object]:
    return {
        "name": name,
        "resource_type": "model",
        "config": {"materialized": "view"},
        "raw_code": "select 1",
        "refs": [{"name": parent.rpartition(".")[2]} for parent in parents],
        "sources": [],
        "depends_on": {"nodes": list(parents), "macros": []},
        **fields,
    }


def keys(**nodes: dict[str, object]) -> CodeKeys:
    return CodeKeys({"nodes": {f"model.a.{name}": node for name, node in nodes.items()}, "macros": {}})


def test_a_new_model_of_the_same_name_changes_the_keys_of_those_that_refer_to_it() -> None:
    """In another package, or as another version: dbt looks the name up when it compiles."""
    child, parent = entry("child", ("model.a.parent",)), entry("parent")
    before = keys(child=child, parent=parent)
    after = keys(child=child, parent=parent, other=entry("parent", latest_version=2))
    assert before.of("model.a.child") != after.of("model.a.child")
    assert before.of("model.a.parent") == after.of("model.a.parent")
    assert before.of("model.a.gone") is None


def test_the_code_of_ephemeral_ancestors_is_part_of_a_key() -> None:
    """At any distance, and of nothing else."""

    def key(code: str, materialized: str) -> str | None:
        far = entry("far", config={"materialized": materialized}, raw_code=code)
        near = entry("near", ("model.a.far",), config={"materialized": "ephemeral"})
        return keys(far=far, near=near, child=entry("child", ("model.a.near",))).of("model.a.child")

    assert key("select 1", "ephemeral") != key("select 2", "ephemeral")
    assert key("select 1", "table") == key("select 2", "table")


def test_a_seed_has_no_key() -> None:
    """dbt's checksum is that of the file without white space at its ends, and of a large file, of its path."""
    assert keys(seed=entry("seed", resource_type="seed", checksum={"name": "sha256"})).of("model.a.seed") is None
