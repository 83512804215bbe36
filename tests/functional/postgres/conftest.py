"""One PostgreSQL server for all tests of a process, and databases of their own on it."""

from itertools import count

import pytest

from orchestrator.adapters.postgres.login import Login
from tests.functional.postgres.server import PASSWORD, running_server

_numbers = count(1)


@pytest.fixture(scope="session")
def server():
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def new_database(server):
    """Makes a database, empty or as another one is, and gives its name."""

    def make(template="template1"):
        name = f"shop_{next(_numbers)}"
        server.rows(f"create database {name} template {template}")
        return name

    return make


@pytest.fixture(scope="session")
def login_to(server):
    """Gives the login to a database."""

    def make(database):
        return Login(host=server.host, port=server.port, user="postgres", password=PASSWORD, database=database)

    return make


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory):
    """Keep dlt's state out of the home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt_home")))
        yield
