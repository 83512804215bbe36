"""What the test projects compile to is understood as a rule, and DuckDB's own parser finds nothing that was missed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestrator.reuse.fingerprints.statement import read_statement
from orchestrator.reuse.fingerprints.statement_functions import function_list
from tests.agreement.projects import project_names, write_project
from tests.unit.reuse.fingerprints.test_statement import NOT_UNDERSTOOD, UNDERSTOOD

pytestmark = pytest.mark.functional
ROOT = Path(__file__).parents[3]
REFERENCE = "dbt_project"
OUTSIDE = ("read_csv", "read_json", "the file ", "the table function ")
FUNCTIONS = function_list("duckdb")


def compiled(folder):
    """Return what dbt compiles the models and tests of a project to; hooks and functions are read elsewhere."""
    dbt = Path(sys.executable).parent / "dbt"
    environment = {**os.environ, "DBT_PROFILES_DIR": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    subprocess.run([dbt, "compile", "-q"], cwd=folder, env=environment, capture_output=True, check=False)
    paths = [path for path in (folder / "target" / "compiled").rglob("*.sql") if path.is_file()]
    return [path.read_text() for path in paths if not {"hooks", "functions"} & set(path.parts)]


def as_duckdb_parses(connection, sql):
    """Return functions, relations and CTEs in the tree of DuckDB's own parser; None for what it cannot write down."""
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])
    if tree["error"]:
        return None
    calls, relations, ctes = set(), set(), set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            stack += node.values()
            if "function_name" in node and not node.get("is_operator"):
                calls.add(node["function_name"].lower())
            if node.get("type") == "BASE_TABLE":
                parts = (node["catalog_name"], node["schema_name"], node["table_name"])
                relations.add(tuple(part.lower() for part in parts if part))
            ctes |= {(one["key"].lower(),) for one in (node.get("cte_map") or {}).get("map", ())}
            if node.get("cte_name"):
                ctes.add((node["cte_name"].lower(),))
    return calls, relations, ctes


def assert_nothing_is_missed(connection, sql):
    """Compare a reading that calls a statement understood with DuckDB's own tree of it."""
    parsed = as_duckdb_parses(connection, sql)
    read = read_statement(sql, "duckdb")
    if parsed is not None and read.is_understood:
        calls, relations, ctes = parsed
        assert relations - ctes <= read.relations
        assert all(FUNCTIONS.is_listed(name, 2) or name in FUNCTIONS.in_from for name in calls)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("name", [*project_names(), REFERENCE])
def test_compiled_projects_are_understood(name, tmp_path, connection):
    """What is not understood reads a file, has a table function of the project or asks the clock: 3 in 100 overall."""
    folder = tmp_path / name
    is_reference = name == REFERENCE
    texts = compiled(shutil.copytree(ROOT / REFERENCE, folder) if is_reference else write_project(name, folder))
    own = {path.stem for path in folder.rglob("functions/*.sql")} | {"label_of"}  # the alias of one
    reads = [read_statement(text, "duckdb", known_functions=own) for text in texts]
    for text in texts:
        assert_nothing_is_missed(connection, text)
    not_understood = [read for read in reads if not read.is_understood]
    assert len(texts) > 30
    assert len(not_understood) <= len(texts) * 0.15
    for read in not_understood:
        assert read.volatile or all(any(word in finding for word in OUTSIDE) for finding in read.unknown), read


@pytest.mark.parametrize("sql", [*UNDERSTOOD["duckdb"], *NOT_UNDERSTOOD["duckdb"]])
def test_nothing_is_missed_in_small_statements(sql, connection):
    """The same for the statements of the unit tests."""
    assert_nothing_is_missed(connection, sql)
