"""A PostgreSQL server that freezes in the middle of a statement: neither the record nor a run waits for ever."""

import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from orchestrator.errors import StoreError
from orchestrator.store import bounded_dialect
from orchestrator.store.database import explained_errors, open_for_writing, store_url
from orchestrator.store.query import query
from orchestrator.store.sql_store import SqlStore
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import FILES, Shop
from tests.warm_starts import WarmStart

pytestmark = pytest.mark.functional
SLOW = {
    "dbt_project.yml": FILES["dbt_project.yml"],
    "profiles.yml": FILES["profiles.yml"],
    "models/base.sql": "{{ config(materialized='table') }} select 1 as one from pg_sleep(600)",
}


@pytest.fixture
def url(server, new_database):
    """A record that exists, and is empty."""
    place = f"{server.host}:{server.port}/{new_database()}"
    url = store_url(f"postgresql://postgres:{quote(PASSWORD)}@{place}?connect_timeout=2", Path())
    open_for_writing(url).dispose()
    return url


@contextmanager
def frozen(*pids):
    """Stop processes, without ending them."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # a session whose client is gone
                os.kill(pid, signal.SIGCONT)


def backends(server, url) -> list[int]:
    rows = server.rows(f"select pid from pg_stat_activity where datname = '{url.database}'")
    return [pid for (pid,) in rows]


def all_of_the_server(server, url) -> list[int]:
    """Every process of the server: its first one, which accepts connections, and the others."""
    return server_of(backends(server, url)[0])


def server_of(backend: int) -> list[int]:
    first = psutil.Process(backend).parent()
    return [first.pid, *(child.pid for child in first.children(recursive=True))]


def test_a_session_that_freezes_between_two_statements_is_replaced(server, url, monkeypatch):
    """The next statement waits for the limit, and then succeeds on a new connection."""
    monkeypatch.setattr(bounded_dialect, "MOST_SECONDS", 1.0)
    store = SqlStore(url)
    assert store.count_runs() == 0
    with frozen(*backends(server, url)):
        assert store.count_runs() == 0
    store.close()


def test_a_session_that_freezes_in_a_transaction_is_reported(server, url, monkeypatch):
    """The statement ends with an error that says what is wrong, after the limit."""
    monkeypatch.setattr(bounded_dialect, "MOST_SECONDS", 1.0)
    engine = open_for_writing(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
        with frozen(*backends(server, url)), pytest.raises(StoreError) as refused, explained_errors(url):
            connection.exec_driver_sql("select 1")
    assert "cannot be used: the server stopped answering" in refused.value.message
    assert refused.value.hint.endswith("that the server answers.")
    with engine.connect() as connection:  # the engine is usable again
        connection.exec_driver_sql("select 1")


def test_a_server_that_freezes_is_reported(server, url, monkeypatch):
    """After the limits of a statement and of a connection, without the password."""
    monkeypatch.setattr(bounded_dialect, "MOST_SECONDS", 1.0)
    store = SqlStore(url)
    assert store.count_runs() == 0
    with frozen(*all_of_the_server(server, url)):
        began = time.monotonic()
        with pytest.raises(StoreError, match="cannot be used") as refused:
            store.count_runs()
        assert time.monotonic() - began < 40
    assert PASSWORD not in refused.value.message
    assert store.count_runs() == 0
    store.close()


def test_a_signal_interrupts_a_statement_of_a_frozen_server(server, url, request):
    """Ctrl-C and SIGTERM are handled within seconds, although the driver itself would wait."""
    # Tests may run where a shell keeps Ctrl-C from its children; this process then ignores it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    store = SqlStore(url)
    assert store.count_runs() == 0
    with frozen(*backends(server, url)):
        began = time.monotonic()
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            store.count_runs()
        assert time.monotonic() - began < 40  # the limit of a statement is 60 s
    assert store.count_runs() == 0
    store.close()


def test_a_query_of_the_user_takes_as_long_as_it_needs(url, monkeypatch):
    """The limit is for the statements of elt."""
    monkeypatch.setattr(bounded_dialect, "MOST_SECONDS", 0.2)
    assert query(url, "select 1 from pg_sleep(0.6)")[1] == ((1,),)


def test_a_record_that_waits_for_another_run_to_migrate_it_takes_as_long_as_that(server, url, monkeypatch):
    """The lock that runs share is waited for, longer than a statement may take."""
    monkeypatch.setattr(bounded_dialect, "MOST_SECONDS", 0.2)
    server.rows("delete from store_version; drop table store_version", url.database)
    holder = server.connect(url.database)
    holder.autocommit = False
    holder.cursor().execute("select pg_advisory_xact_lock(6646900)")
    threading.Timer(0.6, holder.close).start()
    with pytest.raises(StoreError, match="already exists"):  # it had the lock, and began
        open_for_writing(url)


def test_a_run_whose_warehouse_freezes_ends_with_a_signal(server, new_database, tmp_path):
    """The step is abandoned, although its query has no end, and the run is recorded as cancelled."""
    shop = Shop(tmp_path, server, new_database())
    for name, text in SLOW.items():
        shop.write(name, text)
    variables = {**shop.variables(), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    words = ["run", "--project-dir", str(shop.folder)]
    run = WarmStart(words, stdout=subprocess.PIPE, env={**os.environ, **variables})
    asked = "select pid from pg_stat_activity where query ~ 'pg_sleep' and pid <> pg_backend_pid()"
    while not (sleeping := shop.rows(asked)):
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.05)
    with frozen(*server_of(sleeping[0][0])):
        os.kill(run.pid, signal.SIGTERM)
        assert run.wait(30) == 130
    shop.rows(f"select pg_terminate_backend({sleeping[0][0]})")  # it sleeps on, without a client
    said = run.stdout.read()
    assert "did not end in time" in said
    assert "elt resume" in said
