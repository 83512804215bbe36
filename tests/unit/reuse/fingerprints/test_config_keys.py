"""Every key of dbt's configuration is known: in a fingerprint, out of it, or in a part of another name."""

import dataclasses
import re
from pathlib import Path

import pytest
from dbt.adapters.duckdb.impl import DuckDBConfig
from dbt.adapters.postgres.impl import PostgresConfig
from dbt.artifacts.resources import FunctionConfig, ModelConfig, SeedConfig, SnapshotConfig, TestConfig, UnitTestConfig
from dbt.contracts.graph.model_config import UnitTestNodeConfig

from orchestrator.reuse.fingerprints.config_keys import (
    _UNSET,
    ELSEWHERE,
    INSIDE,
    OUTSIDE,
    OUTSIDE_OURS,
    config_parts,
    declared_deterministic,
    declared_volatile,
    hooks_of,
)

CLASSES = (
    *(ModelConfig, SeedConfig, SnapshotConfig, TestConfig, UnitTestConfig, UnitTestNodeConfig, FunctionConfig),
    *(DuckDBConfig, PostgresConfig),
)
PAGE = (Path(__file__).parents[4] / "docs" / "reuse.md").read_text()


def fields(kind: type) -> set[str]:
    """Give the keys of one of dbt's classes, under the names that a manifest has."""
    return {field.metadata.get("alias", field.name) for field in dataclasses.fields(kind)} - {"_extra"}


def rows(title: str) -> dict[str, str]:
    """Give the rows of a table of the page: the key and what is said of it."""
    section = PAGE.split(f"\n### {title}\n")[1].split("\n#")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found |= dict.fromkeys(re.findall(r"`([\w.-]+)`", cells[0]), cells[1])
    return found


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_key_of_dbt_is_classified(kind: type) -> None:
    """A new one of dbt or of an adapter fails here until somebody says what it affects."""
    assert fields(kind) - set(INSIDE) - set(OUTSIDE) - set(ELSEWHERE) == set()


def test_each_key_is_in_exactly_one_table() -> None:
    """In, out, or elsewhere."""
    assert not set(INSIDE) & set(OUTSIDE)
    assert not set(INSIDE) & set(ELSEWHERE)
    assert not set(OUTSIDE) & set(ELSEWHERE)


def test_the_page_explains_every_key() -> None:
    """The tables of docs/reuse.md and of the code have the same keys, each with a reason."""
    documented = rows("Keys that are in")
    assert set(documented) == set(INSIDE)
    assert set(rows("Keys that are out")) == set(OUTSIDE)
    assert set(rows("Keys that are another part")) == set(ELSEWHERE) - {"pre_hook", "post_hook"}
    assert all(documented.values())
    assert all([*INSIDE.values(), *OUTSIDE.values(), *OUTSIDE_OURS.values()])


def test_a_key_with_dbts_default_counts_as_unset() -> None:
    """In each of dbt's classes that has the key; any other value was set by somebody."""
    for kind in CLASSES[:7]:
        for field in dataclasses.fields(kind):
            name = field.metadata.get("alias", field.name)
            has_factory = field.default_factory is not dataclasses.MISSING
            default = field.default_factory() if has_factory else field.default
            if name in _UNSET:
                assert _UNSET[name] == (default.to_dict() if hasattr(default, "to_dict") else default)
            elif default in (None, {}, []) and name in INSIDE:
                pytest.fail(f"{kind.__name__}.{name} is {default} when it is not set")


@pytest.mark.parametrize(
    "key", ["location", "format", "options", "plugin", "partitioned_by", "sorted_by", "submission_method", "made_up"]
)
def test_a_key_of_an_adapter_or_an_unknown_key_counts(key: str) -> None:
    """Even when it is null: a macro may have another default."""
    assert dict(config_parts({key: None})).keys() == {f"config:{key}"}
    assert dict(config_parts({key: "a"})) != dict(config_parts({key: "b"}))
    assert dict(config_parts({})) == {}


def test_an_empty_value_differs_from_an_unset_one() -> None:
    """Unless dbt itself writes it when nothing is set."""
    assert dict(config_parts({"grants": {}, "unique_key": None, "packages": []})) == {}
    assert dict(config_parts({"unique_key": [], "csv_read_options": {}})).keys() == {
        "config:unique_key",
        "config:csv_read_options",
    }


def test_settings_of_how_often_a_step_runs_do_not_count() -> None:
    """Of `meta.elt`; its other keys count, and no other key of meta does."""
    run_time = {"repeats": 3, "time_limit": "1h", "volatile": False, "deterministic": True}
    assert dict(config_parts({"meta": {"owner": "me", "elt": run_time}})) == {}
    assert dict(config_parts({"meta": {"elt": {**run_time, "mine": 1}}})).keys() == {"config:meta.elt"}


def test_only_true_declares_a_node_deterministic() -> None:
    """A text is no declaration."""
    assert declared_deterministic({"meta": {"elt": {"deterministic": True}}})
    assert not declared_deterministic({"meta": {"elt": {"deterministic": "yes"}}})
    assert not declared_deterministic({"meta": {"elt": True}})
    assert not declared_deterministic({})
    assert declared_volatile({"meta": {"elt": {"volatile": False}}}) is False
    assert declared_volatile({"meta": {"elt": {"volatile": "no"}}}) is None


def test_a_hook_need_not_be_a_list() -> None:
    """Under either name of the key."""
    assert hooks_of({"pre_hook": "select 1", "post-hook": [{"sql": "select 2"}]}) == (
        ("pre-hook", "select 1"),
        ("post-hook", {"sql": "select 2"}),
    )
