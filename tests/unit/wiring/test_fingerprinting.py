"""What surrounds a project is hashed so that no value can be read off the record."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.plugin_code import PluginCode, code_of
from orchestrator.errors import ProjectError, UsageError
from orchestrator.graph.build import build_graph
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.outside import (
    content_digest,
    hashed_environment,
    hidden,
    profile_digests,
    python_versions,
    remembered,
    time_zone,
    versions_of,
)
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING
from orchestrator.wiring.explaining import find_node
from tests.graph_factories import make_source
from tests.unit.reuse.fingerprints.making import model, project


def test_a_variable_is_hashed_with_the_project_and_its_own_name() -> None:
    """The same value under two names, or in two projects, is two digests; an unset one is absent."""
    environ = {"A": "hush", "B": "hush"}
    digest, elsewhere = hashed_environment("shop", environ), hashed_environment("bank", environ)
    assert len({digest("A"), digest("B"), elsewhere("A"), sha256(b"hush").hexdigest()[:32]}) == 4
    assert digest("A") == hashed_environment("shop", {"A": "hush", "C": "more"})("A")
    assert digest("C") == "absent"


def test_the_complete_environment_has_a_digest() -> None:
    """It changes with any variable, and never with their order."""
    whole = hashed_environment("shop", {"A": "1", "B": "2"})(EVERYTHING)
    assert whole == hashed_environment("shop", {"B": "2", "A": "1"})(EVERYTHING)
    assert whole != hashed_environment("shop", {"A": "1", "B": "3"})(EVERYTHING)


def test_a_var_with_a_secret_name_is_hashed_in_the_same_way() -> None:
    """Others, and templates that name where the secret is, stay as they are."""
    known = {"api_token": "hush", "start": "2024-01-01", "password": "{{ env_var('PW') }}", "tokens": 3}
    found = hidden("shop", known)
    assert found["api_token"] not in {"hush", hidden("bank", known)["api_token"]}
    assert {**found, "api_token": "hush"} == known


def seed(file: Path) -> DbtNode:
    """Make a seed whose file dbt did not hash."""
    return model("seed.s", file=str(file))


def test_a_seed_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    """Spaces at its end count, which dbt's checksum leaves out; in a run the file is read once."""
    file = tmp_path / "s.csv"
    file.write_bytes(b"id,v\n1,b")
    before, of = content_digest(seed(file)), remembered(content_digest)
    assert of(seed(file)) == before
    file.write_bytes(b"id,v\n1,b  ")
    assert content_digest(seed(file)) != before
    assert of(seed(file)) == before
    assert remembered(content_digest)(seed(file)) != before


def test_a_large_seed_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    """One byte in two million counts."""
    file = tmp_path / "s.csv"
    file.write_bytes(b"a\n" * 1_000_000)
    before = content_digest(seed(file))
    file.write_bytes(b"a\n" * 999_999 + b"b\n")
    assert content_digest(seed(file)) != before


def test_a_seed_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With its file."""
    with pytest.raises(ProjectError, match=r"nowhere\.csv cannot be read"):
        content_digest(seed(tmp_path / "nowhere.csv"))


MANIFEST = project(make_source("orders"), model("model.stg_orders"), model("seed.rates"), model("test.rates"))

GRAPH = build_graph(MANIFEST)


def test_a_node_is_found_by_name_or_id() -> None:
    """As long as it is one."""
    assert find_node(GRAPH, "stg_orders") == find_node(GRAPH, "model.shop.stg_orders")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stg_order", "Did you mean 'stg_orders'"),
        ("nothing_like_it", "`elt ls`"),
        ("rates", r"seed\.shop\.rates, test\.shop\.rates"),
        ("orders", "has no fingerprint"),
    ],
)
def test_a_name_that_matches_no_node_is_refused(name: str, words: str) -> None:
    """With names that come near, or the ids of those that share it."""
    with pytest.raises(UsageError, match=words):
        find_node(GRAPH, name)


def digests(**settings: object) -> dict[str, str]:
    """Hash settings of a target."""
    return profile_digests("shop", settings, {"TZ": "UTC"}, "duckdb")


def test_each_setting_of_a_profile_has_a_digest() -> None:
    """Of its value; the value itself is nowhere, and a secret cannot be found by trying."""
    secret = {"type": "s3", "secret": "hush"}
    found = digests(settings={"TimeZone": "UTC"}, secrets=[secret], extensions=["json"])
    assert found.keys() == {"settings", "secrets", "extensions", "time-zone"}
    assert found["settings"] != digests(settings={"TimeZone": "Asia/Tokyo"})["settings"]
    assert found["secrets"] != digests(secrets=[{**secret, "secret": "hushed"}])["secrets"]
    assert found["extensions"] == digests(extensions=["json"])["extensions"]
    assert "hush" not in str(found)
    assert found["secrets"] != profile_digests("bank", {"secrets": [secret]}, {}, "duckdb")["secrets"]


def test_variables_that_the_client_of_postgres_reads_count_there() -> None:
    """They change what a session returns."""
    environ = {"PGOPTIONS": "-c TimeZone=Asia/Tokyo", "TZ": "UTC"}
    assert profile_digests("shop", {}, environ, "postgres").keys() == {"environment", "time-zone"}
    assert profile_digests("shop", {}, environ, "duckdb").keys() == {"time-zone"}
    assert profile_digests("shop", {}, {"TZ": "UTC"}, "postgres").keys() == {"time-zone"}


def test_the_time_zone_is_a_name(tmp_path: Path) -> None:
    """From the environment, else of the machine; where that has no name, its rules are hashed."""
    zone = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    zone.parent.mkdir(parents=True)
    zone.write_bytes(b"rules")
    local, copy = tmp_path / "localtime", tmp_path / "copied"
    local.symlink_to(zone)
    shutil.copy(zone, copy)
    assert time_zone({"TZ": ":Asia/Tokyo"}, local) == "Asia/Tokyo"
    assert time_zone({}, local) == "Europe/Berlin"
    assert time_zone({}, copy) == sha256(b"rules").hexdigest()
    assert time_zone({}, tmp_path / "nowhere")


def test_versions_are_those_that_change_results() -> None:
    """Of a Python model also those of what it computes with."""
    assert {"dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "duckdb"} <= versions_of("duckdb").keys()
    assert "duckdb" not in versions_of("postgres")
    assert {"python", "pandas", "pyarrow"} <= python_versions().keys()


def test_the_code_of_a_plugin_counts(tmp_path: Path) -> None:
    """With the modules of the same folders that it imports; other files of the folder do not."""
    plugin, helper, other = (tmp_path / f"{name}.py" for name in ("my_plugin", "my_helper", "unrelated"))
    plugin.write_text("import json\nfrom my_helper import rate\n")
    helper.write_text("rate = 1\n")
    other.write_text("x = 1\n")
    before = code_of(["my_plugin"], [tmp_path])
    assert before.not_found == ()
    other.write_text("x = 2\n")
    assert code_of(["my_plugin"], [tmp_path]) == before
    helper.write_text("rate = 2\n")
    assert code_of(["my_plugin"], [tmp_path]) != before
    assert code_of([], [tmp_path]) == PluginCode()


def test_a_plugin_that_is_a_package_counts_with_all_its_files(tmp_path: Path) -> None:
    """They import each other by relative names."""
    inner = tmp_path / "my_package" / "inner.py"
    inner.parent.mkdir()
    (inner.parent / "__init__.py").write_text("from .inner import x\n")
    inner.write_text("x = 1\n")
    before = code_of(["my_package.inner"], [tmp_path])
    inner.write_text("x = 2\n")
    assert code_of(["my_package.inner"], [tmp_path]) != before


def test_a_plugin_that_is_not_found_is_named(tmp_path: Path) -> None:
    """So is one that is no Python; nothing is imported to find it."""
    (tmp_path / "broken_plugin.py").write_text("def (\n")
    assert code_of(["no_such_plugin"], [tmp_path]).not_found == ("no_such_plugin",)
    assert code_of(["broken_plugin"], [tmp_path]).not_found == ("broken_plugin",)
