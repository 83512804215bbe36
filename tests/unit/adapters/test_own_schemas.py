"""Schemas of ours in a target: made for one step, dropped after it; what a killed process left goes with the first."""

import pytest

from orchestrator.adapters.own_schemas import OwnSchemas
from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.errors import WarehouseError
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.step import StepId

LEFT = "_elt_verify_0123abcd"
A = StepId("model.shop.a")


class Asked:
    """Notes what is asked; says which schemas are there."""

    def __init__(self, refuses: str = "") -> None:
        self.lines: list[str] = []
        self.refuses = refuses

    def __call__(self, statement: str) -> list[tuple[str]]:
        self.lines.append(statement)
        if self.refuses and self.refuses in statement:
            raise WarehouseError("permission denied\nfor you")
        theirs = ("main", "_elt_verify_by_hand", "_elt_verify_0123abcdef")
        return [(name,) for name in (*theirs, LEFT)] if "schemata" in statement else []

    def words(self) -> list[str]:
        """Give the statements that change something, without the database."""
        return [line.replace('"db".', "") for line in self.lines if "schemata" not in line]


def test_a_temporary_schema_exists_as_long_as_it_is_used():
    """What was left is dropped once, and nothing that is not ours."""
    asked = Asked()
    schemas = OwnSchemas(asked, DIALECTS["duckdb"], "db")
    with schemas.opened(A) as one:
        assert asked.words() == [
            *(f'drop schema if exists "{name}" cascade' for name in (LEFT, one)),
            f'create schema "{one}"',
        ]
    assert asked.words()[-1] == f'drop schema if exists "{one}" cascade'
    with schemas.opened(StepId("model.shop.b")) as other:
        assert other != one
    assert [line for line in asked.words() if LEFT in line] == [f'drop schema if exists "{LEFT}" cascade']


def test_a_prefixed_run_makes_and_drops_prefixed_schemas_only():
    """What was left without the prefix may be in use by a run of production."""
    asked = Asked()
    with OwnSchemas(asked, DIALECTS["duckdb"], "db", Placement(prefix="pr_7_")).opened(A) as one:
        assert one.startswith("pr_7__elt_verify_")
    assert not [line for line in asked.words() if LEFT in line]


def test_a_role_that_cannot_create_schemas_is_told_what_to_do():
    """A schema that cannot be dropped afterwards is left to the next one."""
    with pytest.raises(WarehouseError) as caught, OwnSchemas(Asked("create"), DIALECTS["postgres"], "db").opened(A):
        pass
    assert "could not be created in db: permission denied\nGrant the right" in caught.value.message
    asked = Asked()
    with OwnSchemas(asked, DIALECTS["postgres"], "db").opened(A):
        asked.refuses = "drop"
