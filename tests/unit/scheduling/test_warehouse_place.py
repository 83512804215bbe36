"""Whether the tables of a schedule outlast a container, as profiles.yml says."""

from pathlib import PurePosixPath

import pytest
import yaml

from orchestrator.scheduling.warehouse_place import WarehousePlace, warehouse_place

PROJECT = "name: shop\nprofile: shop\n"


def place(output: dict, options: dict | None = None, **environ: str) -> WarehousePlace | None:
    """Return the place of the target `dev` that is defined so."""
    profiles = yaml.safe_dump({"shop": {"target": "dev", "outputs": {"dev": {"type": "duckdb", **output}}}})
    return warehouse_place(profiles, PROJECT, options or {}, environ)


@pytest.mark.parametrize(
    ("output", "file"),
    [
        ({"path": "shop.duckdb"}, "shop.duckdb"),
        ({"path": "/data/shop.duckdb"}, "/data/shop.duckdb"),
        ({"path": "md:shop"}, None),
        ({"path": "motherduck:shop"}, None),
        ({"path": "s3://bucket/shop.duckdb"}, None),
        ({"path": ":memory:"}, None),
        ({}, None),
        ({"type": "snowflake"}, None),
        ({"path": "{{ env_var('NO_SUCH', 'shop.duckdb') }}"}, "shop.duckdb"),
        (
            {"path": ":memory:", "database": "lake", "attach": [{"path": "ducklake:meta.db", "alias": "lake"}]},
            "meta.db",
        ),
        ({"database": "lake", "attach": [{"path": "ducklake:sqlite:meta.db", "alias": "lake"}]}, "meta.db"),
        ({"database": "lake", "attach": [{"path": "ducklake:postgres:dbname=lake", "alias": "lake"}]}, None),
        ({"database": "pg", "attach": [{"path": "dbname=x", "alias": "pg", "type": "postgres"}]}, None),
        ({"path": "a.duckdb", "attach": [{"path": "md:other"}]}, "a.duckdb"),
        ({"database": "other", "attach": [{"path": "dir/other.duckdb"}]}, "dir/other.duckdb"),
    ],
)
def test_only_a_database_file_can_be_lost_with_a_container(output: dict, file: str | None) -> None:
    """A database in memory is lost after each run everywhere."""
    found = place(output)
    assert found is not None
    assert (found.file, found.unknown) == (file, "")


def test_a_volume_keeps_what_is_below_its_folder() -> None:
    """A relative path is in the folder of the checkout."""
    data = PurePosixPath("/data")
    for path, is_kept in (("/data/a/x.db", True), ("/data2/x.db", False), ("x.db", False), ("/data/../x.db", False)):
        found = place({"path": path})
        assert found is not None
        assert found.is_kept_in(data) is is_kept
        assert not found.is_kept_in(None)


def test_a_path_from_the_environment_is_known_only_with_its_value() -> None:
    """What only dbt knows is not guessed."""
    output = {"path": "{{ env_var('DB') }}"}
    found = place(output)
    assert found is not None
    assert (found.file, "DB is not set" in found.unknown) == (None, True)
    found = place(output, DB="md:x")
    assert found is not None
    assert (found.file, found.from_environment) == (None, True)
    assert "not understood" in getattr(place({"path": "{{ var('x') }}"}), "unknown", "")


@pytest.mark.parametrize("options", [{"target": "prod"}, {"profile": "other"}, {"target": "other", "profile": "shop"}])
def test_a_target_that_does_not_exist_is_not_judged(options: dict) -> None:
    """dbt reports it."""
    assert place({"path": "x.db"}, options) is None


@pytest.mark.parametrize("text", ["", "- a", "a: [", "shop: 1", "shop: {outputs: 1}", "shop: {target: '{{ x() }}'}"])
def test_a_profile_that_cannot_be_read_is_not_judged(text: str) -> None:
    """There is no traceback."""
    assert warehouse_place(text, PROJECT, {}, {}) is None


def test_a_target_on_motherduck_reads_its_token_from_the_environment() -> None:
    """Unless profiles.yml has it."""
    for output, variables in (
        ({"path": "md:shop"}, ("MOTHERDUCK_TOKEN",)),
        ({"path": "md:shop", "settings": {"motherduck_token": "{{ env_var('TOKEN', '') }}"}}, ()),
        ({"path": "md:shop?motherduck_token=x"}, ()),
        ({"path": "shop.duckdb"}, ()),
    ):
        found = place(output)
        assert found is not None
        assert found.variables == variables
