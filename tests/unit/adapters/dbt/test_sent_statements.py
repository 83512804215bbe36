"""What dbt sent can be sent again only if nothing else happened, and only while the answers are the same."""

import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.dbt.sent_statements import (
    OtherAnswerError,
    SentStatement,
    SentStatements,
    StatementLog,
    WatchedCursor,
    send_again,
    sent_from_json,
    sent_to_json,
)
from orchestrator.ways.generated_sql import Place, existing_kinds

PLACE = Place(database="db", schema="Main", identifier="Orders")


def watched() -> tuple[WatchedCursor, StatementLog]:
    log = StatementLog(lambda sql: sql.removeprefix("/* dbt */\n"))
    connection = duckdb.connect()
    connection.execute("create table t as select 1 as a")
    return WatchedCursor(connection.cursor(), log), log


def sent(*statements: SentStatement | None) -> SentStatements:
    return SentStatements(statements=statements, existed=(None,), message="OK", response={}, run_text="")


def test_statements_are_noted_without_dbts_comment_and_with_what_was_read() -> None:
    """Rows that dbt did not fetch may differ the next time."""
    cursor, log = watched()
    for sql in ("/* dbt */\nBEGIN", "select a from t", "select count(*) from t", "insert into t values (2)", "COMMIT"):
        cursor.execute(sql)
        if sql == "select count(*) from t":
            assert [column[0] for column in cursor.description] == ["count_star()"]
            assert cursor.fetchall() == [(1,)]
    noted = log.statements
    assert noted is not None
    texts = [one.sql for one in noted if one is not None]
    assert texts == ["BEGIN", "select a from t", "select count(*) from t", "insert into t values (2)", "COMMIT"]
    assert [bool(one.rows and one.columns) for one in noted if one is not None] == [False, False, True, False, False]


HAPPENS = {
    "a bound value": lambda cursor: cursor.execute("select ?", [1]),
    "some rows": lambda cursor: cursor.execute("select 1").fetchmany(1),
    "a rollback": lambda cursor: (cursor.rollback(), cursor.execute("BEGIN")),
    "two transactions": lambda cursor: (cursor.execute("COMMIT"), cursor.execute("BEGIN")),
    "an answer after the commit": lambda cursor: (
        *(cursor.execute("COMMIT"), cursor.execute("select 1"), cursor.fetchall()),
        cursor.execute("BEGIN"),
    ),
}


@pytest.mark.parametrize("happens", HAPPENS.values(), ids=HAPPENS)
def test_what_cannot_be_repeated_is_not_kept(happens) -> None:
    """dbt executes such a node each time."""
    cursor, log = watched()
    cursor.execute("BEGIN")
    happens(cursor)
    cursor.execute("COMMIT")
    assert log.statements is None


def test_without_a_commit_nothing_is_kept() -> None:
    """It would not be known whether anything remains."""
    cursor, log = watched()
    cursor.execute("insert into t values (2)")
    assert log.statements is None


def test_of_the_marker_only_the_place_is_noted() -> None:
    """Whatever it asks, because the next run writes its own; and there is one."""
    cursor, log = watched()
    cursor.execute("BEGIN")
    with log.marking():
        cursor.execute("select ?", [1])
        cursor.fetchone()
    cursor.execute("COMMIT")
    assert log.statements == (SentStatement(sql="BEGIN"), None, SentStatement(sql="COMMIT"))
    cursor.execute("BEGIN")
    with log.marking():
        cursor.execute("select 1")
    assert log.statements is None


def test_the_number_of_rows_that_a_statement_wrote_is_not_an_answer() -> None:
    """The materializations drop it, and it differs each night."""
    cursor, log = watched()
    for sql in ("BEGIN", "create temporary table u as select * from t", "COMMIT"):
        cursor.execute(sql)
        if sql.startswith("create"):
            cursor.fetchall()
    assert all(one is not None and one.rows is None for one in log.statements or (None,))


def test_another_answer_ends_it_before_the_commit() -> None:
    """And what was written so far can be rolled back."""
    cursor, log = watched()
    for sql in ("BEGIN", "insert into t values (7)", "select count(*) from t", "COMMIT"):
        cursor.execute(sql)
        if sql.startswith("select"):
            cursor.fetchall()
    noted = sent(*(log.statements or ()))
    again = duckdb.connect()
    again.execute("create table t as select 1 as a")
    send_again(again, noted, lambda: None)
    assert again.execute("select a from t order by all").fetchall() == [(1,), (7,)]
    with pytest.raises(OtherAnswerError):
        send_again(again, noted, lambda: None)
    again.rollback()
    assert again.execute("select count(*) from t").fetchall() == [(2,)]


def test_an_error_after_the_commit_does_not_execute_the_node_once_more() -> None:
    """It could write its rows twice. What comes then removes what is temporary."""
    texts = ("BEGIN", "insert into t values (7)", "COMMIT", "drop table no_such_table", "insert into t values (8)")
    again = duckdb.connect()
    again.execute("create table t as select 1 as a")
    send_again(again, sent(*(SentStatement(sql=text) for text in texts)), lambda: None)
    assert again.execute("select a from t order by all").fetchall() == [(1,), (7,), (8,)]


@pytest.mark.parametrize(("rows", "is_the_same"), [(1, True), (2, False)])
def test_a_row_that_was_fetched_alone_must_be_the_only_one(rows: int, is_the_same: bool) -> None:
    """It is not known which of several dbt would get."""
    cursor, log = watched()
    for sql in ("BEGIN", "select a from t", "COMMIT"):
        cursor.execute(sql)
        if sql.startswith("select"):
            assert cursor.fetchone() == (1,)
    noted = sent(*(log.statements or ()))
    again = duckdb.connect()
    again.execute(f"create table t as select 1 as a from range({rows})")
    if is_the_same:
        send_again(again, noted, lambda: None)
    else:
        with pytest.raises(OtherAnswerError):
            send_again(again, noted, lambda: None)


def test_other_columns_are_another_answer_even_without_rows() -> None:
    """dbt asks some queries only for their columns."""
    cursor, log = watched()
    for sql in ("BEGIN", "select * from t where false", "COMMIT"):
        cursor.execute(sql)
        if sql.startswith("select"):
            assert cursor.description
    noted = sent(*(log.statements or ()))
    again = duckdb.connect()
    again.execute("create table t as select 1 as a, 2 as b")
    with pytest.raises(OtherAnswerError):
        send_again(again, noted, lambda: None)


@pytest.mark.parametrize(
    ("existing", "kinds"),
    [
        ({}, (None, None, None)),
        ({"orders": ("table", "Orders")}, ("table", None, None)),
        (
            {"orders": ("view", "Orders"), "orders__dbt_backup": ("table", "Orders__dbt_backup")},
            ("view", None, "table"),
        ),
        ({"orders": ("table", "orders")}, None),
    ],
)
def test_the_relations_that_dbt_looks_up_are_part_of_the_state(existing, kinds) -> None:
    """One whose name is written in another case is dbt's matter."""
    assert existing_kinds(PLACE, lambda key: existing.get(key[2]) if key[:2] == ("db", "main") else None) == kinds


digests = st.none() | st.text(max_size=5)
statements = st.builds(SentStatement, sql=st.text(), columns=digests, rows=digests)


@given(st.lists(st.none() | statements), st.lists(st.none() | st.text()), st.dictionaries(st.text(), st.integers()))
def test_what_was_sent_is_the_same_after_it_was_kept(noted, existed, response) -> None:
    """As JSON."""
    found = SentStatements(
        statements=tuple(noted), existed=tuple(existed), message="INSERT 2", response=response, run_text="x"
    )
    assert sent_from_json(json.loads(json.dumps(sent_to_json(found)))) == found
