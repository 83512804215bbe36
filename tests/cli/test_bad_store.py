"""A record of runs that cannot be used: it is named with what to do, nothing runs, and what is there stays."""

import socket
import sqlite3

import pytest

from orchestrator.store.database import VERSION_TABLE
from tests.cli.conftest import ended, really_start
from tests.cli.test_bad_database import without_privileges
from tests.cli.test_history import recorded
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional
ONE = ("run", "--select", "one")
READING = (["history"], ["show"], ["logs"], ["sql", "select 1"], ["resume"], ["retry"], ["cancel"])


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, {"models/one.sql": "select 1 as id"})


@pytest.fixture
def store(elt, shop):
    """The file of a record that holds one run, whose model was dropped since."""
    assert elt(*ONE, project=shop).code == 0
    sql(shop, "drop view main.one")
    return shop / ".elt" / "history.db"


def built(shop) -> bool:
    return bool(sql(shop, "select 1 from information_schema.tables where table_name = 'one'"))


def test_a_store_of_a_newer_version(elt, shop, store):
    """Every verb refuses it and names both versions; not a byte of it changes."""
    with sqlite3.connect(store) as connection:
        connection.execute(f"update {VERSION_TABLE} set version_num = '0099'")
    connection.close()
    before = store.read_bytes()
    for words in (ONE, *READING):
        elt(*words, project=shop).refuses(
            "written by a newer elt", "version 0099", "Nothing was changed", "Use the newer"
        )
    assert store.read_bytes() == before
    assert not built(shop)


def overwrite(store, *, keep: int) -> bytes:
    """Write nonsense over a file behind its first bytes; gives what it holds then."""
    whole = store.read_bytes()
    store.write_bytes(whole[:keep] + b"nonsense" * ((len(whole) - keep) // 8))
    return store.read_bytes()


@pytest.mark.parametrize("keep", [0, 100, 4096], ids=["no database", "only its head", "only its first page"])
def test_a_corrupt_store(elt, shop, store, keep):
    """A reader changes nothing; the next run renames the file, and does not start; the run after that succeeds."""
    broken = overwrite(store, keep=keep)
    for words in READING:
        elt(*words, project=shop).refuses(f"{store} is corrupt", "Nothing was changed", f"&& mv {store}*")
    assert store.read_bytes() == broken
    elt(*ONE, project=shop).refuses(f"{store} is corrupt", "renamed to history.db.corrupt-", "Run again")
    (aside,) = store.parent.glob("history.db.corrupt-*Z")
    assert (aside.read_bytes(), store.exists(), built(shop)) == (broken, False, False)
    elt("history", project=shop).refuses("Nothing is recorded yet")
    elt(*ONE, project=shop).reports("1 success", code=0)
    assert len(recorded(elt, shop)) == 1


def test_a_folder_where_the_store_should_be(elt, shop, monkeypatch):
    """The run does not start, and the folder stays as it is."""
    (shop / "records").mkdir()
    monkeypatch.setenv("ELT_STORE", "records")
    elt(*ONE, project=shop).refuses(f"{shop}/records cannot be used", "`store` in elt.yml")
    assert (list((shop / "records").iterdir()), built(shop)) == ([], False)


@pytest.mark.parametrize(("name", "mode"), [("history.db", 0o444), ("", 0o555)], ids=["file", "folder"])
def test_a_store_without_write_permission(shop, store, name, mode):
    """The error names the file and what to make writable; the run does not start."""
    kept = shop / "kept"
    kept.mkdir()
    (kept / "history.db").write_bytes(store.read_bytes())
    (kept / name).chmod(mode)
    said = ended(really_start(*ONE, project=shop, env={"ELT_STORE": "kept/history.db"}, preexec_fn=without_privileges))
    (kept / name).chmod(0o755)
    said.refuses(f"{kept}/history.db cannot be used", "Make the file and its folder writable")
    assert not built(shop)


def test_a_server_that_does_not_answer(elt, shop, monkeypatch):
    """A PostgreSQL store that cannot be reached is named without its password; the run does not start."""
    monkeypatch.setenv("ELT_STORE", "postgresql://ada:hush-hush@127.0.0.1:1/records?password=hush-hush")
    for words in (ONE, ["history"], ["resume"]):
        said = elt(*words, project=shop)
        said.refuses("at postgresql://127.0.0.1:1/records cannot be used", "that the server answers")
        assert "hush" not in said.out + said.err
    assert not built(shop)


@pytest.mark.parametrize("location", ["mysql://ada:hush@host/x", "postgresql://ada:hush@host:no/x", "://"])
def test_a_path_where_no_store_can_be_created(elt, shop, monkeypatch, location):
    """The setting is refused with what it may be, and no secret of it is told."""
    monkeypatch.setenv("ELT_STORE", location)
    said = elt(*ONE, project=shop)
    said.refuses("store", "postgresql://user:password@host/database")
    assert "hush" not in said.out + said.err
    assert not built(shop)


def test_a_server_that_accepts_and_says_nothing_is_reported(elt, tmp_path):
    """After the time that the URL names, or 20 s: a command of cron must not wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        shop = write_shop(tmp_path, {"elt.yml": f"store: postgresql://me:secret@{address}/x?connect_timeout=2"})
        elt("history", project=shop).refuses(f"{address}/x", "timeout expired", "that the server answers")
