"""dbt's own commands through elt, its docs, and all verbs from any folder."""

import signal
import socket
import urllib.request

import pytest

from tests.cli.conftest import ended, start
from tests.functional.shop import RAW, write_shop

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    built = """
        create view stg_orders as select id as order_id, customer_id from raw.orders;
        create view stg_customers as select id as customer_id from raw.customers;
        """
    return write_shop(tmp_path_factory.mktemp("shop"), {"models/wrong.sql": "selec 1"}, raw=RAW + built)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--quiet", "run", "--select", "stg_orders"), 0),
        (("--quiet", "run", "--select", "wrong"), 1),
        (("--quiet", "ls", "--select", "bogus:nope"), 2),
        (("run", "--bogus"), 2),
        (("nope",), 2),
    ],
)
def test_exit_codes_of_dbt(elt, shop, words, code):
    """A failed node is 1, what dbt cannot handle and wrong usage are 2."""
    assert elt("dbt", *words, project=shop).code == code


def test_dbt_without_a_project(elt, tmp_path, monkeypatch):
    """What needs no project asks for none: the version, the help."""
    monkeypatch.chdir(tmp_path)
    assert "Core:" in elt("dbt", "--version").out
    assert "Commands:" in elt("dbt").out


def test_docs(elt, shop):
    """docs generate writes the catalog and the site, as one page with --static, and says where that is."""
    said = elt("docs", "generate", "--static", "--exclude", "wrong", project=shop)
    assert said.code == 0
    for file in ("catalog.json", "index.html", "static_index.html"):
        assert (shop / "target" / file).stat().st_size
    assert said.out.splitlines()[-1] == f"The docs as one page: {shop}/target/static_index.html"


def test_the_static_page_is_where_the_options_put_it(elt, shop):
    """--target-path is heeded."""
    said = elt("docs", "generate", "--static", "--target-path", "elsewhere", "--exclude", "wrong", project=shop)
    assert said.out.splitlines()[-1] == f"The docs as one page: {shop}/elsewhere/static_index.html"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_docs_are_generated_and_served_until_ctrl_c(tmp_path, number):
    """docs serve makes what is missing, answers on loopback, and ends quietly with 0."""
    shop = write_shop(tmp_path, raw=RAW)
    port = free_port()
    server = start("docs", "serve", "--no-browser", "--port", port, project=shop)
    for line in server.stdout:
        if "Serving docs" in line:
            break
    for page in ("index.html", "catalog.json"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}") as answer:
            assert b"dbt" in answer.read()
    server.send_signal(number)
    said = ended(server)
    assert said.code == 0
    assert said.err == (f"There are no docs in {shop}/target yet: generating them (dbt docs generate).\nStopped.\n")


def test_docs_on_a_port_that_is_in_use(elt, shop):
    """One line says so, and the next one which to try."""
    assert elt("docs", "generate", "--exclude", "wrong", project=shop).code == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = elt("docs", "serve", "--no-browser", f"--port={port}", project=shop)
    said.refuses(f"The docs cannot be served at 127.0.0.1, port {port}: Address already in use.", "--port")


VERBS = [
    ("run",),
    ("build",),
    ("plan",),
    ("ls",),
    ("test",),
    ("docs", "generate"),
    ("dbt", "ls"),
    ("freshness", "--allow-empty"),
]


@pytest.mark.parametrize("words", VERBS)
def test_from_any_folder(elt, tmp_path, monkeypatch, shop, words):
    """Every verb works with --project-dir; relative paths of the profile stay inside the project."""
    monkeypatch.chdir(tmp_path)
    chosen = () if "freshness" in words else ("--select", "stg_orders")
    said = elt(*words, *chosen, project=shop)
    assert said.code == 0, said.out + said.err
    assert not list(tmp_path.iterdir())
    if words[0] in {"run", "build", "plan", "test"}:
        assert str(shop / "shop.duckdb") in said.out
