"""The version of a loaded table in DuckDB: another as soon as its rows are, whatever their order."""

import duckdb
import pytest

from orchestrator.adapters.duckdb.warehouse import DatabaseFile, open_warehouse
from orchestrator.nodes.identity import Relation
from tests.functional.duckdb.table_versions import OTHERS, check

pytestmark = pytest.mark.functional
TABLE = Relation(database=None, schema="RAW", identifier="t")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    file = tmp_path_factory.mktemp("versions") / "w.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema raw")
    opened = open_warehouse(DatabaseFile(path=file), lock_timeout=1)
    yield opened
    opened.close()


@pytest.mark.parametrize("what", OTHERS)
def test_the_version_tells_other_rows(warehouse, what):
    """Of a replaced table by its content, dlt's own columns aside; of one that grows by what each load has in it."""
    check(warehouse.ask, lambda grows: warehouse.data_version(TABLE, grows=grows, small=0), what)
