"""Reading manifest.json: what becomes a value, and what is refused with which words."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import ManifestError
from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.nodes.manifest import KNOWN_SCHEMA, manifest_from, read_raw

ARTIFACT = Path(__file__).parents[2] / "artifacts" / "manifest_v12.json"
SOMEWHERE = Path("target/manifest.json")


@pytest.fixture(scope="module")
def shop():
    return manifest_from(read_raw(ARTIFACT), ARTIFACT)


def raw_manifest(**sections) -> dict:
    """Make the JSON of a manifest with one model, unless told otherwise."""
    nodes = {"model.shop.a": raw_model("a")}
    return {"metadata": {"dbt_schema_version": KNOWN_SCHEMA}, "nodes": nodes, **sections}


def raw_model(name: str, **fields) -> dict:
    row = {"name": name, "resource_type": "model", "package_name": "shop", "original_file_path": f"models/{name}.sql"}
    row |= {"unique_id": f"model.shop.{name}", "database": "db", "schema": "main", "alias": name}
    return row | {"depends_on": {"nodes": []}, "config": {}, "raw_code": "select 1"} | fields


def raw_source(**fields) -> dict:
    row = {"unique_id": "source.shop.raw.t", "name": "t", "source_name": "raw", "resource_type": "source"}
    return row | {"package_name": "shop", "original_file_path": "m.yml", "schema": "raw"} | fields


def test_manifest_says_who_wrote_it(shop):
    """Project, adapter and dbt's version come from the metadata."""
    assert (shop.project_name, shop.adapter_type, shop.dbt_version) == ("shop", "duckdb", "1.11.16")


def test_every_resource_type_is_read(shop):
    """Models, tests, hooks, functions, metrics and the rest are all among the nodes, sources apart."""
    kinds = {node.resource_type.value for node in shop.nodes.values()}
    assert kinds >= {"model", "seed", "snapshot", "function", "test", "unit_test", "analysis", "operation"}
    assert kinds >= {"exposure", "metric", "semantic_model", "saved_query"}
    assert len(shop.sources) == 3


def test_disabled_nodes_are_omitted(shop):
    """What dbt lists as disabled, and what is disabled where it stands, is not there."""
    assert NodeId("model.shop.gone") not in shop.nodes
    raw = raw_manifest()
    raw["nodes"]["model.shop.a"]["config"] = {"enabled": False}
    assert not manifest_from(raw, SOMEWHERE).nodes


def test_relations_are_where_dbt_writes(shop):
    """A node's alias and schema make its relation; what leaves nothing behind has none."""
    assert shop.nodes["model.shop.dim.v1"].placed == Relation(database="shop", schema="main", identifier="dim_v1")
    assert shop.nodes["model.shop.eph"].placed is None
    assert shop.nodes["test.shop.alone"].placed is None
    assert shop.sources["source.shop.raw.orders"].placed.identifier == "orders_v1"


def test_owners_come_from_meta_exposure_or_group(shop):
    """A node's own owner wins over that of its group."""
    owners = {name: shop.nodes[name].owners for name in ("model.shop.stg_orders", "model.shop.fct_sales")}
    assert owners == {"model.shop.stg_orders": ("ann",), "model.shop.fct_sales": ("Sales team", "sales@example.com")}
    assert shop.nodes["exposure.shop.board"].owners == ("Bo", "bo@example.com")


def test_severity_is_that_of_data_tests(shop):
    """Severity is in lower case, and only data tests have one."""
    assert shop.nodes["test.shop.unique_stg_orders_id.beb6e97f2f"].severity == "warn"
    assert shop.nodes["test.shop.alone"].severity == "error"
    assert shop.nodes["model.shop.stg_orders"].severity is None


def test_model_file_without_sql_is_empty():
    """A model of blanks is empty; a seed has no SQL and is not."""
    empty, seed = raw_model("e", raw_code=" \n"), raw_model("s", raw_code="", resource_type="seed")
    nodes = manifest_from(raw_manifest(nodes={"e": empty, "s": seed}), SOMEWHERE).nodes
    assert nodes["model.shop.e"].is_empty
    assert not nodes["model.shop.s"].is_empty


@pytest.mark.parametrize(
    ("freshness", "limits"),
    [
        (
            {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": 2, "period": "day"}},
            (43200, 172800),
        ),
        (
            {"warn_after": {"count": 30, "period": "minute"}, "error_after": {"count": None, "period": None}},
            (1800, None),
        ),
        ({"warn_after": None, "error_after": {"count": 0, "period": "minute"}}, (None, 0)),
        ({"warn_after": {"count": None, "period": None}, "error_after": None}, (None, None)),
        (None, (None, None)),
    ],
)
def test_null_switches_a_freshness_limit_off(freshness, limits):
    """Limits are in seconds; a null count, limit or freshness is no limit, and zero is one."""
    source = manifest_from(raw_manifest(sources={"s": raw_source(freshness=freshness)}), SOMEWHERE).sources[
        "source.shop.raw.t"
    ]
    assert (source.warn_after_seconds, source.error_after_seconds) == limits
    assert source.has_freshness is (limits != (None, None))


@pytest.mark.parametrize(("key", "has"), [("loaded_at_field", True), ("loaded_at_query", True), ("loader", False)])
def test_dbt_can_ask_for_the_age_by_field_or_by_query(key, has):
    """Either of dbt's two settings lets it judge a source's age."""
    manifest = manifest_from(raw_manifest(sources={"s": raw_source(**{key: "x"})}), SOMEWHERE)
    assert manifest.sources["source.shop.raw.t"].has_loaded_at is has


def test_missing_manifest_is_named(tmp_path):
    """A missing file is named, with the command that writes it."""
    with pytest.raises(ManifestError, match=r"There is no manifest at .*nowhere\.json.*\n.*elt dbt parse"):
        read_raw(tmp_path / "nowhere.json")


def test_truncated_manifest_is_named(tmp_path):
    """A file that was cut short is named, with what to do."""
    path = tmp_path / "manifest.json"
    path.write_text(ARTIFACT.read_text()[:1000])
    with pytest.raises(ManifestError, match=r"manifest\.json is not valid JSON.*\n.*Delete it"):
        read_raw(path)


def test_manifest_that_cannot_be_opened_is_named(tmp_path):
    """A folder in the manifest's place is named, not a traceback."""
    with pytest.raises(ManifestError, match="cannot be read: Is a directory"):
        read_raw(tmp_path)


@pytest.mark.parametrize("version", ["https://schemas.getdbt.com/dbt/manifest/v11.json", "made-up", None])
def test_other_version_is_refused_by_name(version):
    """Only version 12 is read; another is named together with the dbt that wrote it."""
    raw = raw_manifest(metadata={"dbt_schema_version": version, "dbt_version": "1.7.3"})
    with pytest.raises(ManifestError) as raised:
        manifest_from(raw, SOMEWHERE)
    assert str(version or "without a version") in raised.value.message
    assert "1.7.3" in raised.value.message
    assert "dbt 1.8 to 1.12" in raised.value.hint


def test_unknown_resource_type_is_refused():
    """A resource type that dbt did not have is never guessed at."""
    raw = raw_manifest(nodes={"x": raw_model("x", resource_type="hologram")})
    with pytest.raises(ManifestError, match="unknown resource type, 'hologram'"):
        manifest_from(raw, SOMEWHERE)


@pytest.mark.parametrize("raw", [[], "text", None])
def test_json_that_is_not_a_manifest_is_refused(raw):
    """JSON of another shape is refused in words."""
    with pytest.raises(ManifestError, match="not a JSON object"):
        manifest_from(raw, SOMEWHERE)


def test_row_without_its_keys_is_refused():
    """A row that lacks what version 12 always has is refused, and the key is named."""
    raw = json.loads(json.dumps(raw_manifest()))
    del raw["nodes"]["model.shop.a"]["original_file_path"]
    with pytest.raises(ManifestError, match="original_file_path"):
        manifest_from(raw, SOMEWHERE)


def test_missing_parent_is_refused():
    """A node whose parent is disabled is named with it, as dbt does."""
    child = raw_model("b", depends_on={"nodes": ["model.shop.gone"]})
    raw = raw_manifest(nodes={"b": child}, disabled={"model.shop.gone": [{}]})
    with pytest.raises(ManifestError, match=r"model\.shop\.b .* depends on model\.shop\.gone, which is disabled"):
        manifest_from(raw, SOMEWHERE)


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("model.shop.fct_sales", "fct_sales"),
        ("model.shop.dim.v2", "dim.v2"),
        ("source.shop.raw.orders", "raw.orders"),
        ("test.shop.not_null_eph_id.7679bb5b43", "not_null_eph_id"),
        ("test.shop.alone", "alone"),
        ("unit_test.shop.fct_sales.fct_adds", "fct_sales.fct_adds"),
        ("ingest.bts.flights", "bts.flights"),
        ("expectation.raw_flights", "raw_flights"),
    ],
)
def test_short_names_are_the_names_that_people_use(node, name):
    """Package and hash go, version and source stay."""
    assert short_name(NodeId(node)) == name


@pytest.mark.parametrize("continues", [True, False])
def test_a_model_continues_on_its_error_if_the_installed_dbt_lets_it(continues: bool) -> None:
    """The key is in the manifest of every release, because unknown keys of a configuration are kept."""
    raw = raw_manifest()
    raw["nodes"]["model.shop.a"]["config"] = {"on_error": "continue"}
    raw["nodes"]["model.shop.b"] = raw_model("b", config={"on_error": "skip_children"})
    found = manifest_from(raw, SOMEWHERE, continues=continues).nodes
    assert found[NodeId("model.shop.a")].continues_on_error is continues
    assert not found[NodeId("model.shop.b")].continues_on_error


def test_the_latest_version_of_a_model_is_known() -> None:
    """By its own entry; versions may be numbers or words."""
    raw = raw_manifest()
    raw["nodes"] = {
        f"model.shop.a.v{number}": raw_model("a", version=number, latest_version=2) for number in (1, 2)
    } | {"model.shop.b": raw_model("b")}
    for unique_id, row in raw["nodes"].items():
        row["unique_id"] = unique_id
    found = manifest_from(raw, SOMEWHERE).nodes
    assert [node.unique_id for node in found.values() if node.is_latest_version] == ["model.shop.a.v2"]


def test_the_overloads_of_a_function_are_part_of_its_definition() -> None:
    """With the code of each, which dbt has read from a file of its own."""
    overload = {"defined_in": "area_of_circle", "raw_body": "r * r * {{ var('pi') }}"}
    row = raw_model("area", overloads=[overload], arguments=[]) | {"unique_id": "function.shop.area"}
    raw = raw_manifest(functions={"function.shop.area": row | {"resource_type": "function"}})
    (function,) = (node for node in manifest_from(raw, SOMEWHERE).nodes.values() if node.name == "area")
    assert function.definition.arguments == {"overloads": [overload]}
