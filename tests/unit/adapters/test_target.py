"""What a target is called holds no secret."""

import pytest

from orchestrator.nodes.target import Target


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("md:shop?motherduck_token=eyJhbGci", "md:shop?motherduck_token=*****"),
        ("postgres://ada:hush@db.example/shop", "postgres://*****@db.example/shop"),
        ("/data/shop.duckdb", "/data/shop.duckdb"),
    ],
)
def test_a_path_is_shown_and_recorded_without_its_secrets(path: str, shown: str) -> None:
    """The token in a path and the password in a URL; the same target keeps its identity when the token changes."""
    target = Target(name="dev", adapter="duckdb", threads=1, database="shop", path=path)
    assert (target.description, target.identity) == (shown, f"duckdb {shown}")
