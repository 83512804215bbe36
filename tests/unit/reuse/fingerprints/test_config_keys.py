"""Every key of dbt's configuration is known: in a fingerprint, out of it, or in a part of another name."""

import dataclasses
import re
from pathlib import Path

import pytest
from dbt.adapters.duckdb.impl import DuckDBConfig
from dbt.adapters.postgres.impl import PostgresConfig
from dbt.artifacts.resources import FunctionConfig, ModelConfig, SeedConfig, SnapshotConfig, TestConfig, UnitTestConfig
from dbt.contracts.graph.model_config import UnitTestNodeConfig

from orchestrator.reuse.fingerprints.config_keys import ELSEWHERE, INSIDE, OUTSIDE

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
def test_every_key_of_dbt_is_decided(kind: type) -> None:
    """A new one of dbt or of an adapter fails here until somebody says what it affects."""
    assert fields(kind) - INSIDE - set(OUTSIDE) - set(ELSEWHERE) == set()


def test_a_key_stands_in_one_table() -> None:
    """In, out, or elsewhere."""
    assert not INSIDE & set(OUTSIDE)
    assert not INSIDE & set(ELSEWHERE)
    assert not set(OUTSIDE) & set(ELSEWHERE)


def test_the_page_says_of_every_key_why() -> None:
    """The tables of docs/reuse.md and of the code have the same keys, each with a reason."""
    documented = rows("Keys that are in")
    assert set(documented) == INSIDE
    assert set(rows("Keys that are out")) == set(OUTSIDE)
    assert set(rows("Keys that stand in another part")) == set(ELSEWHERE) - {"pre_hook", "post_hook"}
    assert all(documented.values())
