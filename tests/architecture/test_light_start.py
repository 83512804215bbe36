"""What starts at once must not import what takes seconds."""

import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore

HEAVY = ("dbt", "dlt", "great_expectations", "duckdb", "pandas", "pyarrow", "sqlalchemy", "sqlglot")
PROBE = """
import sys
from orchestrator.cli.main import run_command_line
code = run_command_line(sys.argv[1:])
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["run", "--help"], ["plan", "--help"], ["ls", "--help"], ["explain", "--help"]],
    ids=" ".join,
)
def test_help_imports_no_heavy_tool(words: list[str]) -> None:
    """`elt --help` and the help of a verb import neither dbt, dlt, great-expectations nor DuckDB."""
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert not set(loaded) & set(HEAVY)


@pytest.mark.parametrize("line", ["elt run --select dim", "elt show 2", "elt run --target d"])
def test_completion_imports_no_heavy_tool(tmp_path: Path, line: str) -> None:
    """A word is completed from files: neither dbt nor the database layer of the store is imported."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop")
    environment = {**os.environ, "_ELT_COMPLETE": "bash_complete", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert not set(loaded) & set(HEAVY)


def test_the_list_of_runs_imports_no_tool(tmp_path: Path) -> None:
    """`elt history` reads the store: neither dbt, dlt nor great-expectations."""
    (tmp_path / "dbt_project.yml").write_text("name: shop")
    with closing(SqlStore(store_url(".elt/history.db", tmp_path))) as store:
        store.prune(keep=0, now=datetime.now(UTC))
    words = ["history", "--project-dir", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert "sqlalchemy" in loaded
    assert not set(loaded) & {"dbt", "dlt", "great_expectations", "pandas", "pyarrow", "alembic"}
