"""One PostgreSQL server for all tests of a process, and databases of their own on it."""

from dataclasses import dataclass
from itertools import count

import pytest

from orchestrator.adapters.postgres.login import Login
from orchestrator.api import FinishedRun
from tests.functional.postgres.server import PASSWORD, running_server
from tests.functional.postgres.shop import Shop, write_shop

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


@dataclass(frozen=True)
class FirstRun:
    """The shop after its first run, and that run; nobody changes it, everybody copies it."""

    shop: Shop
    ran: FinishedRun


@pytest.fixture(scope="session")
def first(server, new_database, tmp_path_factory):
    shop = write_shop(tmp_path_factory.mktemp("first") / "project", server, new_database())
    return FirstRun(shop, shop.run())


@pytest.fixture
def shop(first, new_database, tmp_path):
    """The shop after its first run, in a folder and a database of the test's own."""
    return first.shop.copied(tmp_path / "project", new_database(template=first.shop.database))


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory):
    """Keep dlt's state out of the home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt_home")))
        yield
