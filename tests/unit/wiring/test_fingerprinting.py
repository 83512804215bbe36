"""What surrounds a project is hashed so that no value can be read off the record."""

from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.errors import ProjectError, UsageError
from orchestrator.nodes.dbt import DbtNode
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING
from orchestrator.wiring.explaining import find_node
from orchestrator.wiring.fingerprinting import content_digest, hashed_environment, hidden
from tests.graph_factories import make_source
from tests.unit.reuse.fingerprints.making import model, project


def test_a_variable_is_hashed_with_the_project_and_its_own_name() -> None:
    """The same value under two names, or in two projects, is two digests; an unset one is absent."""
    environ = {"A": "hush", "B": "hush"}
    digest, elsewhere = hashed_environment("shop", environ), hashed_environment("bank", environ)
    assert len({digest("A"), digest("B"), elsewhere("A"), sha256(b"hush").hexdigest()[:32]}) == 4
    assert digest("A") == hashed_environment("shop", {"A": "hush", "C": "more"})("A")
    assert digest("C") == "absent"


def test_the_whole_environment_has_a_digest() -> None:
    """It changes with any variable, and never with their order."""
    whole = hashed_environment("shop", {"A": "1", "B": "2"})(EVERYTHING)
    assert whole == hashed_environment("shop", {"B": "2", "A": "1"})(EVERYTHING)
    assert whole != hashed_environment("shop", {"A": "1", "B": "3"})(EVERYTHING)


def test_a_var_of_a_secret_name_is_hashed_in_the_same_way() -> None:
    """Others, and templates that name where the secret is, stay as they are."""
    known = {"api_token": "hush", "start": "2024-01-01", "password": "{{ env_var('PW') }}", "tokens": 3}
    found = hidden("shop", known)
    assert found["api_token"] not in {"hush", hidden("bank", known)["api_token"]}
    assert {**found, "api_token": "hush"} == known


def seed(file: Path) -> DbtNode:
    """Make a seed whose file dbt did not hash."""
    return model("seed.s", file=str(file))


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


def test_a_node_is_found_by_name_or_id() -> None:
    """As long as it is one."""
    assert find_node(MANIFEST, "stg_orders") == find_node(MANIFEST, "model.shop.stg_orders")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stg_order", "Did you mean stg_orders"),
        ("nothing_like_it", "`elt ls`"),
        ("rates", r"seed\.shop\.rates, test\.shop\.rates"),
        ("orders", "has no fingerprint"),
    ],
)
def test_a_name_that_is_no_node_is_refused(name: str, words: str) -> None:
    """With names that come near, or the ids of those that share it."""
    with pytest.raises(UsageError, match=words):
        find_node(MANIFEST, name)
