"""Every relation of a project is placed before anything sees it, and is placed in few modules only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.dlt import IngestNode

PACKAGE = Path(__file__).parents[2] / "orchestrator"
PLACES = {"nodes/manifest.py", "nodes/prefix.py", "graph/match_dlt.py"}
"""Where dbt's placed manifest is read, where a placement is applied, and where dlt resources become nodes."""
OWN_NAMES = {"adapters/record_sql.py", "adapters/own_schemas.py", "adapters/dlt/marked_jobs.py"}
"""Where the names of elt's own tables and schemas are. Those of dlt are in its dataset, which is placed."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for module in PACKAGE.rglob("*.py"):
        name = module.relative_to(PACKAGE).as_posix()
        yield from ((name, node) for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call))


@pytest.mark.parametrize("kind", [DbtNode, DbtSource, IngestNode])
def test_a_node_has_a_placed_relation_and_no_declared_one(kind):
    assert {"placed", "relation"} & kind.__dataclass_fields__.keys() == {"placed"}


def test_only_the_readers_and_the_placement_say_where_a_node_is():
    found = {name for name, call in calls() if any(keyword.arg == "placed" for keyword in call.keywords)}
    assert found == PLACES


def test_a_project_is_parsed_only_with_a_placement():
    parses = [
        call
        for _, call in calls()
        if ast.unparse(call.func) in {"dbt.parse", "self._late.parse", "self.unopened.parse"}
    ]
    assert len(parses) == 4
    assert all(call.args for call in parses)


def test_the_names_of_our_own_schemas_are_in_few_modules():
    """All others get them from a placement."""
    found = {
        module.relative_to(PACKAGE).as_posix()
        for module in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("_elt")
    }
    assert found == OWN_NAMES
