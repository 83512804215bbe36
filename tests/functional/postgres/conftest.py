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
    """Makes a database that is empty, and gives its name."""

    def make():
        name = f"shop_{next(_numbers)}"
        server.rows(f"create database {name}")
        return name

    return make


@pytest.fixture(scope="session")
def login_to(server):
    """Gives the login to a database."""

    def make(database):
        return Login(host=server.host, port=server.port, user="postgres", password=PASSWORD, database=database)

    return make
