"""What each kind of condition answers, asked of real files, servers and databases."""

import http.server
import json
import sqlite3
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.conditions.database_condition import ask_database
from orchestrator.adapters.conditions.file_condition import ask_file
from orchestrator.adapters.conditions.http_condition import ask_http
from orchestrator.conditions.answer import Answer, AnswerState
from orchestrator.conditions.condition import FileCondition, HttpCondition, SqlCondition
from orchestrator.conditions.condition_text import AskedQuestion, from_line, to_line
from orchestrator.wiring.condition_child import answered
from tests.functional.shop import write_shop

TRUE, NOT_YET = AnswerState.TRUE, AnswerState.NOT_YET
UNKNOWN, IMPOSSIBLE = AnswerState.UNKNOWN, AnswerState.IMPOSSIBLE


def said(answer: Answer) -> tuple[AnswerState, str]:
    return answer.state, answer.note


def file(place: object, folder=Path("/")) -> tuple[AnswerState, str]:
    return said(ask_file(FileCondition(place=str(place)), folder))


def test_a_file_on_this_machine(tmp_path):
    """A path, a glob, a folder; relative paths start at the folder of elt.yml."""
    assert file(tmp_path / "a.csv") == (NOT_YET, "there is no such file")
    assert file(tmp_path / "**/*.csv") == (NOT_YET, "no file matches")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a [1].csv").touch()
    (tmp_path / "in/b.csv").touch()
    assert file("in/b.csv", tmp_path) == (TRUE, "it is there")
    assert file(f"file://{tmp_path}/in/b.csv") == (TRUE, "it is there")
    assert file("in/a [1].csv", tmp_path) == (TRUE, "it is there")
    assert file("in", tmp_path) == (TRUE, "it is there")
    assert file("**/*.csv", tmp_path) == (TRUE, f"2 files match, first {tmp_path}/in/a [1].csv")


def test_a_file_of_an_object_storage():
    """fsspec reads it, as it reads S3 or Google Cloud Storage."""
    import fsspec

    assert file("memory://in/a.csv") == (NOT_YET, "there is no such file")
    assert file("memory://in/*.csv") == (NOT_YET, "no file matches")
    storage = fsspec.filesystem("memory")
    storage.pipe("/in/a.csv", b"1")
    try:
        assert file("memory://in/a.csv") == (TRUE, "it is there")
        assert file("memory://in/*.csv") == (TRUE, "1 file matches, first /in/a.csv")
    finally:
        storage.rm("/in", recursive=True)


def test_a_scheme_that_cannot_be_read():
    """An unknown scheme and a missing backend never come true; the answer says what to install."""
    assert file("foo://in/a.csv") == (IMPOSSIBLE, "the scheme foo:// is unknown")
    answer = ask_file(FileCondition(place="gs://in/a.csv"), Path("/"))
    assert said(answer) == (IMPOSSIBLE, "the package gcsfs is missing, which reads gs://")
    assert "install gcsfs" in answer.hint


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.headers_seen.append(dict(self.headers))
        answer = self.server.answers.get(self.path.partition("?")[0], (404, {}, b""))
        self.send_response(answer[0])
        for name, value in answer[1].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer[2])

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(answers):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answers, server.headers_seen = answers, []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def http_says(url, **wanted):
    return said(ask_http(HttpCondition(url=url, **wanted)))


def test_an_http_answer():
    """Its status, or a field of its JSON."""
    document = json.dumps({"data": {"state": "done", "jobs": [{"ok": True}, {"ok": False}]}, "n": 3}).encode()
    with serving({"/job": (200, {}, document), "/busy": (503, {}, b"no"), "/text": (200, {}, b"<html>")}) as (_, base):
        assert http_says(f"{base}/job") == (TRUE, "it answered 200")
        assert http_says(f"{base}/busy") == (NOT_YET, "it answered 503")
        assert http_says(f"{base}/busy", status=503) == (TRUE, "it answered 503")
        assert http_says(f"{base}/job", status=204) == (NOT_YET, "it answered 200")
        assert http_says(f"{base}/job", json_field="data.state", equals="done") == (TRUE, "data.state is done")
        assert http_says(f"{base}/job", json_field="data.state", equals="x") == (NOT_YET, "data.state is done")
        assert http_says(f"{base}/job", json_field="data.jobs.0.ok") == (TRUE, "data.jobs.0.ok is true")
        assert http_says(f"{base}/job", json_field="data.jobs.1.ok") == (NOT_YET, "data.jobs.1.ok is false")
        assert http_says(f"{base}/job", json_field="n", equals="3") == (TRUE, "n is 3")
        assert http_says(f"{base}/job", json_field="data.x") == (NOT_YET, "the answer has no field data.x")
        assert http_says(f"{base}/text", json_field="a") == (NOT_YET, "the answer is not JSON")


def test_a_server_that_cannot_be_reached():
    """It may come back: the condition is asked again."""
    with serving({}) as (_, base):
        pass
    state, note = http_says(base)
    assert state is UNKNOWN
    assert "Connection refused" in note
    assert http_says("http://127.0.0.1:no-port/")[0] is IMPOSSIBLE


def test_a_user_and_a_password_in_the_url():
    """They are sent as a header; without that, a host of that name would be looked for."""
    with serving({"/": (200, {}, b'{"n": NaN}')}) as (server, base):
        url = base.replace("://", "://ada:a%40b@")
        assert http_says(f"{url}/") == (TRUE, "it answered 200")
        assert http_says(f"{url}/", json_field="n") == (NOT_YET, "n is NaN")
        assert [seen["Authorization"] for seen in server.headers_seen] == [
            f"Basic {b64encode(b'ada:a@b').decode()}"
        ] * 2


def test_several_statements_are_refused(tmp_path):
    """A `commit` would keep what they write. Semicolons in texts and after the query are fine."""
    url = f"duckdb:///{tmp_path / 'a.duckdb'}"
    duckdb.connect(str(tmp_path / "a.duckdb")).close()
    assert said(ask_database("create table t as select 1; commit; select true", url, tmp_path)) == (
        IMPOSSIBLE,
        "it has 3 statements",
    )
    assert said(ask_database("select ';' <> ''; -- one; query\n", url, tmp_path)) == (TRUE, "the query returned True")
    assert said(ask_database("select 'nan'::double", url, tmp_path)) == (NOT_YET, "the query returned nan")


def test_headers_with_secrets(monkeypatch):
    """They come from the environment, and are not sent to another host after a redirect."""
    monkeypatch.setenv("API_TOKEN", "hidden")
    with serving({"/": (200, {}, b"")}) as (other, elsewhere):
        answers = {"/own": (302, {"Location": "/there"}, b""), "/there": (200, {}, b"")}
        answers["/away"] = (302, {"Location": elsewhere}, b"")
        with serving(answers) as (server, base):
            asked = {"headers": {"Authorization": "Bearer ${API_TOKEN}"}}
            for path in ("/own", "/away"):
                question = AskedQuestion(condition=HttpCondition(url=f"{base}{path}", **asked), folder=Path("/"))
                assert answered(question).state is TRUE
                assert "hidden" not in to_line(question)
            assert [seen.get("Authorization") for seen in server.headers_seen] == ["Bearer hidden"] * 3
            assert [seen.get("Authorization") for seen in other.headers_seen] == [None]
            monkeypatch.setenv("LANDING", str(Path(__file__).parent))
            landed = AskedQuestion(condition=FileCondition(place="${LANDING}/*.py"), folder=Path("/"))
            assert answered(landed).state is TRUE
            unset = AskedQuestion(condition=HttpCondition(url="http://a", headers={"A": "${NOT_SET}"}), folder=Path())
            answer = answered(unset)
            assert answer.state is IMPOSSIBLE
            assert "NOT_SET is not set" in answer.note


@pytest.mark.parametrize(
    ("statement", "state", "note"),
    [
        ("select true", TRUE, "the query returned True"),
        ("select count(*) from orders", TRUE, "the query returned 2"),
        ("select 0", NOT_YET, "the query returned 0"),
        ("select null", NOT_YET, "the query returned null"),
        ("select 'false'", NOT_YET, "the query returned false"),
        ("select 1 where false", NOT_YET, "the query returned no row"),
        ("select count(*) from orders where name like '%a:b%'", TRUE, "the query returned 1"),
        ("selec 1", IMPOSSIBLE, None),
        ("select * from nowhere", UNKNOWN, None),
    ],
)
def test_a_query(tmp_path, statement, state, note):
    """The first value decides. A table that is missing may yet be created; a statement that is no SQL never runs."""
    tables = "create table orders (name varchar(9)); insert into orders values ('xa:by'), ('z')"
    with duckdb.connect(str(tmp_path / "a.duckdb")) as database:
        database.execute(tables)
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.executescript(tables)
    for url in ("duckdb:///a.duckdb", f"sqlite:///{tmp_path}/a.db"):
        answer = ask_database(statement, url, tmp_path)
        assert answer.state is state, answer
        if note is not None:
            assert answer.note.lower() in {note.lower(), "the query returned 1"}
    assert duckdb.connect(str(tmp_path / "a.duckdb")).execute("select count(*) from orders").fetchall() == [(2,)]


def test_a_query_that_writes(tmp_path):
    """It changes nothing."""
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("create table orders (id int)")
    duckdb.connect(str(tmp_path / "a.duckdb")).execute("create table orders (id int)").close()
    for url in ("duckdb:///a.duckdb", f"sqlite:///{tmp_path}/a.db"):
        ask_database("insert into orders values (1)", url, tmp_path)
        assert said(ask_database("select count(*) from orders", url, tmp_path))[0] is NOT_YET


def test_a_database_that_cannot_be_asked(tmp_path):
    """A missing or locked file and a server that is down are asked again; an unknown scheme is not."""
    path = tmp_path / "a.duckdb"
    assert said(ask_database("select 1", f"duckdb:///{path}", tmp_path))[0] is NOT_YET
    assert not path.exists()
    holder = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        answer = ask_database("select 1", f"duckdb:///{path}", tmp_path)
        assert said(answer) == (UNKNOWN, f"another process has locked {path}")
        process.stdin.close()
        process.wait()
    assert ask_database("select 1", "postgresql://me@127.0.0.1:1/x", tmp_path).state is UNKNOWN
    assert said(ask_database("select 1", "foo://x", tmp_path)) == (IMPOSSIBLE, "the scheme foo:// is unknown")
    assert ask_database("select 1", "not a url", tmp_path).state is IMPOSSIBLE


def on_target(root, statement) -> Answer:
    from orchestrator.wiring.target_questions import ask_target

    return ask_target(statement, AskedQuestion(condition=SqlCondition(statement=statement), folder=root, project=root))


@pytest.mark.functional
def test_a_query_on_the_target(tmp_path):
    """dbt opens the connection; nothing stays open, no file is created, and what the query writes is undone."""
    root = write_shop(tmp_path, raw="")
    assert on_target(root, "select 1").state is NOT_YET
    assert not (root / "shop.duckdb").exists()
    write_shop(root)
    assert said(on_target(root, "select count(*) from raw.orders")) == (TRUE, "the query returned 3")
    assert on_target(root, "selec 1").state is IMPOSSIBLE
    answer = on_target(root, "select * from nowhere")
    assert said(answer) == (UNKNOWN, "Catalog Error: Table with name nowhere does not exist!")
    on_target(root, "delete from raw.orders")
    with duckdb.connect(str(root / "shop.duckdb"), read_only=True) as database:
        assert database.execute("select count(*) from raw.orders").fetchall() == [(3,)]


SOURCES = """
    sources:
      - name: raw
        schema: raw
        config: {freshness: {error_after: {count: 1, period: day}}, loaded_at_field: loaded_at}
        tables: [{name: orders}, {name: customers, config: {freshness: null}}]
    """


@pytest.mark.functional
def test_a_source(tmp_path):
    """It is judged as `elt freshness` does; nothing is recorded and no artifact is written."""
    from orchestrator.wiring.target_questions import ask_source

    root = write_shop(tmp_path, {"models/sources.yml": SOURCES})
    (root / "models/staging/staging.yml").unlink()
    question = AskedQuestion(condition=SqlCondition(statement=""), folder=root, project=root)

    def loaded(when: str) -> Answer:
        with duckdb.connect(str(root / "shop.duckdb")) as database:
            database.execute(
                f"create or replace table raw.orders as select *, {when} as loaded_at from (select 1 as id)"
            )
        return ask_source("raw.orders", question)

    assert loaded("now()").state is TRUE
    stale = loaded("now() - interval 3 day")
    assert stale.state is NOT_YET
    assert ask_source("raw", question).state is NOT_YET
    assert ask_source("raw.customers", question).state is IMPOSSIBLE
    assert ask_source("raw.nothing", question).state is IMPOSSIBLE
    assert not (root / "target/sources.json").exists()
    assert not (root / ".elt/history.db").exists()


def test_a_question_survives_json():
    """Another process asks it."""
    question = AskedQuestion(
        condition=HttpCondition(url="https://a", headers={"A": "b"}, status=200), folder=Path("/a"), dbt_options=("-t",)
    )
    assert from_line(to_line(question), AskedQuestion) == question
