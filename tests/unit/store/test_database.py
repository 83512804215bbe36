"""A store is opened, brought up to date, or refused with what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from orchestrator.errors import NothingRecordedError, StoreError
from orchestrator.execution.events import StepEnded, StepStarted
from orchestrator.execution.recorded import WHOLE
from orchestrator.plan.step import StepId
from orchestrator.scheduling.claims import PutOff
from orchestrator.store.database import VERSION_TABLE, open_for_reading, open_for_writing, store_url
from orchestrator.store.migrate import migrate
from orchestrator.store.sql_store import SqlStore
from orchestrator.store.tables import metadata
from tests.contracts.test_store import fingerprint, opening, started
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.functional.postgres.server import PASSWORD, Server, running_server


def test_a_new_store_has_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    """The migrations lead to the same tables, columns and indexes."""
    with open_for_writing(store_url("history.db", tmp_path)).connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _parents: name != VERSION_TABLE or kind != "table",
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_an_older_store_keeps_its_runs_and_gains_the_new_tables(tmp_path: Path) -> None:
    """A try that the first version recorded is read as before, and has no class of error."""
    url = store_url("history.db", tmp_path)
    with create_engine(url).begin() as connection:
        migrate(connection, VERSION_TABLE, to="0001")
        connection.exec_driver_sql("insert into texts values ('d', 'plan', x'00')")
        columns = "run_id, verb, trigger, command, selected, vars, plan_digest, versions, target, target_identity"
        more = "database, user, host, process, started_at, heartbeat_at, steps"
        told = "'r1', 'build', 'cli', '[]', '{}', '{}', 'd', '{}', 'dev', 'duckdb x', 'x', 'ada', 'laptop', 1"
        moments = "'2013-07-01 12:00:00', '2013-07-01 12:00:00', 1"
        connection.exec_driver_sql(f"insert into runs ({columns}, {more}) values ({told}, {moments})")
        step = "'r1', 'a', 0, 'model', 'a', 'a.sql', 'selected', 'error', 'ran', null"
        connection.exec_driver_sql(f"insert into steps values ({step})")
        connection.exec_driver_sql(
            "insert into attempts (run_id, step_id, attempt, status) values ('r1', 'a', 1, 'error')"
        )
    with open_for_writing(url).connect() as connection:
        asked = (
            "select status, error_class from history_attempts union all select status, error_class from history_steps"
        )
        assert connection.exec_driver_sql(asked).all() == [("error", None)] * 2


FORMER = """
    insert into texts values ('p', 'plan', {blob}), ('f', 'fingerprint', {blob});
    insert into runs (run_id, verb, trigger, command, selected, vars, plan_digest, versions, target, target_identity,
        database, "user", host, process, started_at, heartbeat_at, steps)
    values ('r1', 'build', 'cli', '[]', '{{}}', '{{}}', 'p', '{{}}', 'dev', 'duckdb x', 'x', 'ada', 'laptop', 1,
        '2013-07-01 12:00:00', '2013-07-01 12:00:00', 1);
    insert into steps (run_id, step_id, position, kind, name, path, why, status, reason)
    values ('r1', 'model.shop.a', 0, 'model', 'a', 'a.sql', 'selected', 'error', 'ran');
    insert into fingerprints values ('r1', 'model.shop.a', 'd', 'i', 'f');
    insert into standing values ('duckdb x', 'model.shop.a', 'r1', '2013-07-01 12:00:00', 'success', 'd', 'i', 'f');
    insert into last_tries values ('duckdb x', 'model.shop.a', 'r1', 'success', '2013-07-01 12:00:00');
    insert into leases values ('duckdb x', 'r1', 'ada', 'laptop', 1, null, '2013-07-01 12:00:00',
        '2013-07-01 12:00:00')
"""
"""Rows of every table that the seventh version changes, as the sixth has them."""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_results_recorded_without_a_place_are_not_reused(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    """No row says at which place it is true: it is dropped, and its step runs once more.

    Runs keep their steps, whose place is unknown. A lease that is held while the store changes is one on the whole
    target. The next build is recorded as in a new store, and the texts of what was dropped go when the store is pruned.
    """
    place = tmp_path if kind == "sqlite" else request.getfixturevalue("server")
    url = store_url("history.db" if kind == "sqlite" else new_database(place), tmp_path)
    blob = "x'00'" if kind == "sqlite" else "'\\x00'::bytea"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate(connection, VERSION_TABLE, to="0006")
        for statement in FORMER.format(blob=blob).split(";"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    places = {StepId("model.shop.a"): "x.main.a"}
    with closing(SqlStore(url)) as store:
        (held,) = store.leases("duckdb x")
        assert (held.run_id, held.names, held.process.pid) == ("r1", {WHOLE}, 1)
        reader = store.reader()
        assert [head.run_id for head in reader.heads()] == ["r1"]
        for asked in (places, dict.fromkeys(places, "")):
            assert reader.last_success("duckdb x", asked) == reader.last_attempts("duckdb x", asked) == {}
            assert reader.failing("duckdb x", places, 5) == {}
        writer = store.writer(opening("r2", target_identity="duckdb x", places=places))
        (step,) = places
        writer.record([started(make_plan(step), "r2"), StepStarted(at=NOON, step_id=step)])
        writer.record([StepEnded(at=NOON, outcome=make_outcome(step), known=fingerprint(step))])
        assert reader.last_success("duckdb x", places)[step].run_id == "r2"
    with open_for_writing(url).connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _parents: name != VERSION_TABLE or kind != "table",
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert connection.exec_driver_sql("select place from steps order by run_id").scalars().all() == ["", "x.main.a"]


def new_database(server: Server) -> str:
    """Make an empty database, and return the setting that names it."""
    server.rows("create database former")
    return f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/former"


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as running:
        yield running


def test_every_fact_reaches_the_disk(tmp_path: Path) -> None:
    """The journal is written ahead, and a commit waits for the disk."""
    with open_for_writing(store_url("history.db", tmp_path)).connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Not even with a statement of the user's."""
    url = store_url("history.db", tmp_path)
    open_for_writing(url)
    with open_for_reading(url).connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("delete from runs")


def test_a_store_of_a_newer_version_is_left_unchanged(tmp_path: Path) -> None:
    """Reading and writing are refused with both versions."""
    url = store_url("history.db", tmp_path)
    open_for_writing(url).dispose()
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute(f"update {VERSION_TABLE} set version_num = '0099'")
    connection.close()
    before = (tmp_path / "history.db").read_bytes()
    for opened in (open_for_reading, open_for_writing):
        with pytest.raises(StoreError, match="newer elt: the store has version 0099"):
            opened(url)
    assert (tmp_path / "history.db").read_bytes() == before


def test_a_corrupt_store_is_named_and_set_aside(tmp_path: Path) -> None:
    """A reader names it; a run renames it and refuses once; only then a new one is begun."""
    file = tmp_path / "history.db"
    file.write_bytes(b"no database" * 1000)
    url = store_url("history.db", tmp_path)
    for opened in (open_for_reading, open_for_writing):
        with pytest.raises(StoreError, match=r"corrupt: .*Nothing was changed"):
            opened(url)
    assert [path.name for path in tmp_path.iterdir()] == ["history.db"]
    with pytest.raises(StoreError, match=r"renamed to history.db.corrupt-"):
        open_for_writing(url, set_aside=True)
    (aside,) = tmp_path.glob("history.db.corrupt-*")
    assert aside.read_bytes() == b"no database" * 1000
    assert not file.exists()
    open_for_writing(url)
    assert file.exists()


def test_a_reader_does_not_create_a_missing_store(tmp_path: Path) -> None:
    """It says that nothing is recorded yet."""
    with pytest.raises(StoreError, match="Nothing is recorded yet"):
        open_for_reading(store_url("history.db", tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_store_whose_folder_is_a_file_is_refused(tmp_path: Path) -> None:
    """The message names the store, and where to change it."""
    (tmp_path / ".elt").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as refused:
        open_for_writing(store_url(".elt/history.db", tmp_path))
    assert "elt.yml" in refused.value.hint


@pytest.mark.parametrize(
    ("location", "words"),
    [("mysql://ada:hidden@host/db", "mysql"), ("postgresql://ada:hidden@host:port/db", "not a database URL")],
)
def test_a_wrong_url_is_refused_without_its_password(tmp_path: Path, location: str, words: str) -> None:
    """Only SQLite and PostgreSQL keep a store."""
    with pytest.raises(StoreError, match=words) as refused:
        store_url(location, tmp_path)
    assert "hidden" not in str(refused.value)


def test_a_server_that_does_not_answer_is_reported_without_the_password(tmp_path: Path) -> None:
    """The message names host and database."""
    url = store_url("postgresql://ada:hidden@127.0.0.1:1/runs", tmp_path)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/runs") as refused:
        open_for_writing(url)
    assert "hidden" not in str(refused.value)


def test_an_older_store_is_migrated_with_its_contents(tmp_path: Path) -> None:
    """A reader leaves it as it is and says so; the next writer keeps every row."""
    url = store_url("history.db", tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'history.db'}")
    with engine.begin() as connection:
        migrate(connection, VERSION_TABLE, "0001")
        connection.exec_driver_sql("insert into texts (digest, kind, compressed) values ('d', 'plan', x'00')")
    engine.dispose()
    with pytest.raises(NothingRecordedError, match="older elt"):
        open_for_reading(url)
    with open_for_writing(url).connect() as connection:
        assert connection.exec_driver_sql("select kind from texts").scalar() == "plan"
        assert connection.exec_driver_sql("select count(*) from history_fingerprints").scalar() == 0
    open_for_reading(url).dispose()


def test_a_time_that_an_older_elt_put_off_stays_put_off(tmp_path: Path) -> None:
    """It was known only from the text of its note; other times with this text were not put off."""
    url = store_url("history.db", tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'history.db'}")
    with engine.begin() as connection:
        migrate(connection, VERSION_TABLE, "0010")
        for day, state, note in (
            (1, "ended", "its process was asked to end"),
            (2, "ended", "a disk was full"),
            (3, "ended", ""),
            (4, "skipped", "a disk was full"),
        ):
            moment = f"2026-11-0{day} 02:00:00.000000"
            connection.exec_driver_sql(
                "insert into schedule_times (project, schedule, logical_time, interval_start, interval_end,"
                " claimed_at, beaten_at, state, note, starts, user, host, process)"
                " values ('shop', 'nightly', ?, ?, ?, ?, ?, ?, ?, 1, 'ada', 'box', 1)",
                (*[moment] * 5, state, note),
            )
    engine.dispose()
    with closing(SqlStore(url)) as store:
        times = store.schedule_record().times("shop", "nightly", limit=9)
    assert [time.put_off for time in times] == [None, None, PutOff.NO_ROOM, PutOff.STOPPED]


def test_a_run_waits_for_a_store_that_another_run_is_creating(tmp_path: Path) -> None:
    """SQLite refuses at once to write the journal ahead while somebody else writes, whatever else it waits for."""
    url = store_url("history.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")
        ending = Timer(0.5, other.execute, ["commit"])
        ending.start()
        open_for_writing(url).dispose()
        ending.join()
    assert open_for_reading(url)


def test_a_signal_while_the_record_is_read_is_no_error_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends as interrupted, and a scheduled run is resumed."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    url = store_url("history.db", tmp_path)
    open_for_writing(url).dispose()
    with closing(SqlStore(url)) as store:
        reader = store.reader()
        monkeypatch.setattr("sqlalchemy.engine.default.DefaultDialect.do_execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reader.find(None)
