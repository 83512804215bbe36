"""Conditions on PostgreSQL: the target itself, and a database of one's own."""

import pytest

from orchestrator.adapters.conditions import database_condition
from orchestrator.adapters.conditions.database_condition import ask_database
from orchestrator.conditions.answer import AnswerState
from orchestrator.conditions.condition import SqlCondition
from orchestrator.conditions.condition_text import AskedQuestion
from orchestrator.wiring.condition_child import answered
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import write_shop

pytestmark = pytest.mark.functional


def test_a_query_on_a_server(server, new_database, tmp_path, monkeypatch):
    """Percent signs are those of the query, a write is undone, and a slow query does not go on at the server."""
    database = new_database()
    server.rows("create table orders (name text)", database)
    server.rows("insert into orders values ('a%b')", database)
    monkeypatch.setenv("PGPASSWORD_OF_SHOP", PASSWORD.replace(" ", "%20"))
    url = f"postgresql://postgres:${{PGPASSWORD_OF_SHOP}}@{server.host}:{server.port}/{database}"

    def ask(statement: str):
        return answered(AskedQuestion(condition=SqlCondition(statement=statement, connection=url), folder=tmp_path))

    assert ask("select count(*) from orders where name like '%b' and name::text <> ':x'").state is AnswerState.TRUE
    assert ask("delete from orders returning true").state is AnswerState.TRUE
    assert ask("select count(*) from orders").note == "the query returned 1"
    assert ask("selec 1").state is AnswerState.IMPOSSIBLE
    assert ask("select * from nowhere").state is AnswerState.UNKNOWN
    monkeypatch.setattr(database_condition, "_SECONDS", 1)
    slow = ask("select pg_sleep(20)")
    assert (slow.state, slow.note) == (AnswerState.UNKNOWN, "canceling statement due to statement timeout")
    wrong = ask_database("select 1", url.replace("${PGPASSWORD_OF_SHOP}", "wrong"), tmp_path)
    assert wrong.state is AnswerState.UNKNOWN
    assert "password authentication failed" in wrong.note
    assert "wrong@" not in wrong.note


def test_a_query_on_a_target_in_a_server(server, new_database, tmp_path):
    """dbt opens the connection, with the login of the profile."""
    shop = write_shop(tmp_path / "project", server, new_database())
    server.rows("create table ready as select 1 as n", shop.database)
    with shop.entered():
        for statement, state in (
            ("select n from ready", AnswerState.TRUE),
            ("delete from ready returning 1", AnswerState.TRUE),
            ("select count(*) from ready", AnswerState.TRUE),
            ("selec 1", AnswerState.IMPOSSIBLE),
            ("select * from nowhere", AnswerState.UNKNOWN),
        ):
            question = AskedQuestion(
                condition=SqlCondition(statement=statement), folder=shop.folder, project=shop.folder
            )
            assert answered(question).state is state, statement
