"""SQL from a child is answered by cursors of the owner, through a channel."""

import socket
import threading

import duckdb
import pytest

from orchestrator.adapters.children.sql_pipe import PipeConnection, SqlServer
from orchestrator.adapters.children.wire import Channel


class Owner:
    """A warehouse whose SQL is asked through a pipe within one process."""

    def __init__(self):
        self.warehouse = duckdb.connect()
        self.opened = []
        here, there = (Channel(end.detach()) for end in socket.socketpair())
        self.server = SqlServer(here, self.open_cursor)
        self.connection = PipeConnection(there)
        self.server.start()

    def open_cursor(self):
        self.opened.append(self.warehouse.cursor())
        return self.opened[-1]


@pytest.fixture
def owner():
    owner = Owner()
    yield owner
    owner.connection.close()
    owner.server.end()
    assert not owner.server._thread.is_alive()


ENDLESS = "select count(*) from range(10000000000) a, range(10000) b"


def test_rows_are_fetched_as_the_dbapi_specifies(owner):
    """A cursor gives the next row, some rows, all further rows, and names its columns."""
    cursor = owner.connection.cursor()
    cursor.execute("select range as n, 'x' as word from range($1)", [5])
    assert [column[0] for column in cursor.description] == ["n", "word"]
    assert cursor.fetchone() == (0, "x")
    assert cursor.fetchmany(2) == [(1, "x"), (2, "x")]
    assert cursor.fetchall() == [(3, "x"), (4, "x")]
    assert cursor.fetchone() is None


def test_rows_are_buffered_when_the_statement_runs(owner):
    """A second statement on another cursor does not take the rows of the first."""
    first, second = owner.connection.cursor(), owner.connection.cursor()
    first.execute("select 1")
    second.execute("select 2")
    assert (first.fetchall(), second.fetchall()) == ([(1,)], [(2,)])


def test_a_cursor_is_opened_at_its_first_statement(owner):
    """Nothing of the warehouse is touched before there is SQL."""
    cursor = owner.connection.cursor()
    assert owner.opened == []
    cursor.execute("select 1")
    assert len(owner.opened) == 1


def test_each_cursor_has_a_transaction_of_its_own(owner):
    """What one has not committed, another does not see; closing rolls back."""
    writer, reader = owner.connection.cursor(), owner.connection.cursor()
    writer.execute("create table t as select 1 as k")
    writer.execute("begin transaction")
    writer.execute("insert into t values (2)")
    assert reader.execute("select count(*) from t").fetchall() == [(1,)]
    writer.close()
    assert reader.execute("select count(*) from t").fetchall() == [(1,)]


def test_the_databases_error_is_raised_in_the_child(owner):
    """With its own type and words; the cursor goes on."""
    cursor = owner.connection.cursor()
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        cursor.execute("select * from nowhere")
    assert cursor.execute("select 1").fetchall() == [(1,)]


def test_a_warehouse_that_does_not_open_is_an_error_of_the_statement(owner):
    """The child hears why instead of waiting."""

    def refuse():
        raise RuntimeError("no warehouse")

    owner.server._open_cursor = refuse
    with pytest.raises(RuntimeError, match="no warehouse"):
        owner.connection.cursor().execute("select 1")


def test_rows_that_cannot_be_sent_are_an_error_of_the_statement(owner):
    """The child hears of it instead of waiting for ever."""

    class Cursor:
        description = (("k", "T"),)

        def execute(self, sql, parameters=None):
            pass

        def fetchall(self):
            return [(threading.Lock(),)]

        def close(self):
            pass

        def interrupt(self):
            pass

    owner.server._open_cursor = Cursor
    with pytest.raises(TypeError, match="a value of the type lock cannot be sent"):
        owner.connection.cursor().execute("select 1")


def _endless(owner):
    """Run an endless statement on a thread; gives the thread and the list its error comes to."""
    errors, cursor = [], owner.connection.cursor()
    cursor.execute("select 1")

    def run():
        try:
            cursor.execute(ENDLESS)
        except (duckdb.Error, EOFError, OSError) as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_an_interrupt_ends_the_statement_and_the_pipe_stays_usable(owner):
    """The child gets the database's error for it, and may send the next one."""
    thread, errors = _endless(owner)
    while thread.is_alive():  # an interrupt before the statement began stops nothing
        owner.server.interrupt()
        thread.join(0.05)
    assert [type(error) for error in errors] == [duckdb.InterruptException]
    assert owner.connection.cursor().execute("select 1").fetchall() == [(1,)]


def test_the_end_of_a_server_ends_whatever_runs(owner):
    """Its thread ends, its cursors are closed, and the child meets the end of the pipe."""
    thread, errors = _endless(owner)
    owner.server.end()
    thread.join(30)
    assert len(errors) == 1
    with pytest.raises((EOFError, OSError)):
        owner.connection.cursor().execute("select 1")


def test_the_owner_closes_every_cursor_when_the_child_is_gone(owner):
    """A child that ends in the middle leaves nothing open."""
    owner.connection.cursor().execute("select 1")
    owner.connection.close()
    owner.server._thread.join(30)
    with pytest.raises(duckdb.ConnectionException):
        owner.opened[0].execute("select 1")
