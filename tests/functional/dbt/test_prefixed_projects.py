"""Whole projects run with a schema prefix beside a run without: what the first run left does not change."""

import shutil

import duckdb
import pytest

from orchestrator.api import Command, run
from orchestrator.plan.status import Status
from tests.agreement.projects import WAREHOUSE, write_project

pytestmark = [pytest.mark.functional, pytest.mark.slow]

RELATIONS = """
    select database_name, schema_name, table_name from duckdb_tables() where not internal
    union all select database_name, schema_name, view_name from duckdb_views() where not internal
"""
NAMED_IN_HOOKS = {
    "everything": {"audit.hooks", "audit.results"},
    "newsroom": {"desk.log"},
    "retail_group": {"audit.book", "audit.schemas"},
    "transit": {"audit.runs"},
}
"""The tables that hooks of these projects write under a name in their SQL, which no prefix can move."""


def contents(folder) -> dict[str, object]:
    """Return a checksum of each table and view."""
    found = {}
    with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as connection:
        for database, schema, name in connection.execute(RELATIONS).fetchall():
            statement = f'select count(*), bit_xor(hash(t)) from "{database}"."{schema}"."{name}" t'
            try:
                found[f"{schema}.{name}"] = connection.execute(statement).fetchall()
            except duckdb.Error as error:  # a view on something that only dbt's session has
                found[f"{schema}.{name}"] = type(error).__name__
    return found


def files(folder) -> dict[str, bytes]:
    """Return the files that external models wrote."""
    return {path.name: path.read_bytes() for kind in ("parquet", "csv") for path in folder.rglob(f"exports/*.{kind}")}


@pytest.mark.parametrize("project", ["everything", "ledger", "newsroom", "retail_group", "transit"])
def test_a_prefixed_run_ends_as_one_without_and_changes_nothing_of_it(project, tmp_path):
    folder = write_project(project, tmp_path / project)
    command = {"project_dir": folder, "profiles_dir": folder}
    first = run(Command(**command))
    before, written = contents(folder), files(folder)
    shutil.rmtree(folder / "target")
    second = run(Command(**command, schema_prefix="pr_7_", ingest=False))
    statuses = [{one.step_id: one.status for one in ran.outcomes} for ran in (first, second)]
    assert statuses[0] == statuses[1]
    assert Status.SUCCESS in statuses[0].values()
    after = contents(folder)
    changed = {name for name, found in before.items() if after.get(name) != found}
    assert changed == NAMED_IN_HOOKS.get(project, set())
    assert {name for name in after.keys() - before.keys() if not name.startswith("pr_7_")} == set()
    assert written.items() <= files(folder).items()
