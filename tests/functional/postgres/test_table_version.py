"""The version of a loaded table in PostgreSQL: another as soon as its rows are, whatever their order."""

import pytest

from orchestrator.adapters.postgres.server import PostgresServer
from orchestrator.nodes.identity import Relation
from tests.functional.duckdb.table_versions import OTHERS, check

pytestmark = pytest.mark.functional
TABLE = Relation(database=None, schema="raw", identifier="t")


@pytest.fixture(scope="module")
def loaded(server, new_database, login_to):
    """A database, and a way to ask it."""
    name = new_database()
    server.rows("create schema raw", name)
    return PostgresServer(login_to(name), target="dev"), lambda statement: server.rows(statement, name)


@pytest.mark.parametrize("what", OTHERS)
def test_the_version_tells_other_rows(loaded, what):
    """Of a replaced table by its content, dlt's own columns aside; of one that grows by what each load has in it."""
    warehouse, ask = loaded
    check(ask, lambda grows: warehouse.data_version(TABLE, grows=grows, small=0), what)
