"""The events of runs of every kind are the same live and from the record, and are as the schema says."""

import json
import signal
from pathlib import Path
from textwrap import dedent

import pytest

from tests.cli.conftest import ended, start
from tests.cli.test_held_database import holding
from tests.cli.test_history import SLOW, until_it_builds
from tests.event_schema import validate
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

BROKEN = "select no_such_column from {{ source('raw', 'customers') }}"
SOUND = "select id as customer_id, name from {{ source('raw', 'customers') }}"
PRINTS = """
def model(dbt, session):
    print("token DBT_ENV_SECRET is hush-hush-hush")
    return session.sql("select 1 as id")
"""


def read(text: str) -> list[dict]:
    """Return the valid events of a stream."""
    events = [json.loads(line) for line in text.splitlines()]
    validate(events)
    return events


def recorded(elt, shop: Path, *run: str) -> list[str]:
    """Return the lines of the events of a recorded run."""
    said = elt("show", *run, "--json", "--events", project=shop)
    assert said.code == 0, said.err
    read(said.out)
    return said.out.splitlines()


def words(events: list[dict]) -> set[tuple[str, str | None]]:
    """Return the kinds of the events, each with its status."""
    return {(event["event"], event.get("status")) for event in events}


def test_a_failed_run_and_its_resume_are_read_as_they_were_written(elt, tmp_path, monkeypatch):
    """Errors, fails, skips and what is printed: every line is in the record, also those of the resumed run."""
    monkeypatch.setenv("DBT_ENV_SECRET_TOKEN", "hush-hush-hush")
    changes = {"models/staging/stg_customers.sql": BROKEN, "models/marts/talks.py": PRINTS, "tests/odd.sql": "select 1"}
    shop = write_shop(tmp_path, changes)
    first = elt("run", "--json", project=shop)
    assert first.code == 1
    assert recorded(elt, shop) == first.out.splitlines()
    events = read(first.out)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = {("run_started", None), ("step_started", None), ("noticed", None), ("run_ended", "error")}
    assert words(events) >= kinds | {("step_ended", status) for status in ("success", "error", "fail", "skipped")}
    assert "hush-hush-hush" not in first.out
    assert (events[0]["target"], events[0]["command"][:2]) == ("dev", ["run", "--json"])

    (shop / "models/staging/stg_customers.sql").write_text(SOUND)
    (shop / "tests/odd.sql").write_text("select 1 where false")
    again = elt("resume", "--accept-changes", "--json", project=shop)
    assert again.code == 0, again.err
    assert recorded(elt, shop) == [*first.out.splitlines(), *again.out.splitlines()]
    resumed = read(again.out)
    assert (resumed[0]["resumed"], resumed[0]["run_id"]) == (True, events[0]["run_id"])
    assert resumed[0]["steps_done"] > 0
    assert resumed[-1]["counts"]["success"] == len(resumed[0]["plan"]["steps"])

    nothing = elt("retry", "--json", project=shop)
    (refused,) = read(nothing.out)
    assert (refused["event"], refused["exit_code"], nothing.code) == ("run_not_started", 0, 0)
    node = elt("logs", "stg_customers", "--json", project=shop)
    stream = [*first.out.splitlines(), *again.out.splitlines()]
    assert set(node.out.splitlines()) == {
        line for line in stream if json.loads(line).get("step_id") == "model.shop.stg_customers"
    }


LOADS = """
import os

import dlt


@dlt.resource
def customers():
    if not os.path.exists("tried"):
        open("tried", "w").close()
        raise ConnectionError("the server is busy")
    yield [{"id": 1, "name": "Ann"}]


@dlt.resource
def orders():
    yield [{"id": 10, "customer_id": 1, "amount": 5.0}]


@dlt.source
def raw():
    return customers, orders
"""
OLD = """
    sources:
      - name: raw
        schema: raw
        loaded_at_field: "timestamp '2013-01-01'"
        config: {freshness: {warn_after: {count: 1, period: day}}}
        tables: [{name: customers}, {name: orders}]
    """


def test_loads_repeats_checks_and_reused_steps_are_events(elt, tmp_path):
    """`elt ingest`, `test`, `freshness`, `seed` and a run that reuses everything."""
    files = {
        "ingestion/raw.py": LOADS,
        "elt.yml": "repeats: {ingest: {times: 1, after: 10ms}}\npublish_copy: {dev: copy.duckdb}\n",
        "models/sources.yml": OLD,
        "seeds/days.csv": "day\n1\n",
    }
    shop = write_shop(tmp_path, files, raw="")
    (shop / "ingestion/raw.py").write_text(dedent(LOADS).replace('"tried"', repr(str(shop / "tried"))))
    found = set()
    for verb in (
        ("ingest", "--json"),
        ("run", "--json", "--no-ingest"),
        ("run", "--json", "--skip-unchanged", "--shadow-reuse", "--no-ingest"),
        ("run", "--json", "--skip-unchanged", "--no-ingest", "--verify-reuse", "100%"),
        ("test", "--json", "--select", "stg_orders"),
        ("freshness", "--json"),
        ("seed", "--log-format", "json"),
    ):
        said = elt(*verb, project=shop)
        assert said.code == 0, said.out + said.err
        assert recorded(elt, shop) == said.out.splitlines(), verb
        found |= words(read(said.out))
    assert found >= {
        ("attempt_ended", "error"), ("step_ended", "success"), ("step_ended", "warn"), ("step_ended", "reused"),
        ("noticed", None), ("run_ended", "warn"), ("run_ended", "success"),
    }  # fmt: skip


def test_a_run_is_read_while_it_goes_on_and_when_it_was_cancelled(elt, tmp_path):
    """What is read early is the beginning of what is read later."""
    shop = write_shop(tmp_path, {"models/marts/slow.sql": SLOW})
    run = start("run", "--select", "slow", "--json", project=shop)
    until_it_builds(run)
    early = recorded(elt, shop)
    follower = start("show", "--json", "--events", "--follow", project=shop)
    for _ in early:
        assert follower.stdout.readline()
    run.send_signal(signal.SIGINT)
    assert ended(run).code == 130
    whole = recorded(elt, shop)
    assert whole[: len(early)] == early
    assert ended(follower).out.splitlines() == whole[len(early) :]
    assert words(read("\n".join(whole))) >= {("step_ended", "cancelled"), ("run_ended", "cancelled")}


def test_a_wait_before_the_run_is_written_at_once_and_recorded(elt, tmp_path):
    """The notice has the number that it gets in the record."""
    shop = write_shop(tmp_path)
    with holding(shop) as holder:
        run = start("run", "--json", "--select", "stg_orders", "--no-tests", project=shop)
        first = run.stdout.readline()
        holder.stdin.close()
        said = ended(run)
    assert said.code == 0, said.err
    (waited, started) = read(first + said.out)[:2]
    assert (waited["notice"], waited["seq"], started["seq"]) == ("waiting", 1, 2)
    assert recorded(elt, shop) == [*first.splitlines(), *said.out.splitlines()]
    with holding(shop):
        refused = elt("run", "--json", "--lock-timeout", "0", project=shop)
    assert refused.code == 2
    assert read(refused.out)[-1]["event"] == "run_not_started"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["run", "--jsn", "--json"], "No such option '--jsn'"),
        (["test", "--json", "--repeats", "often"], "expected a whole number"),
        (["ingest", "--log-format", "json", "--time-limit", "soon"], "'soon'"),
        (["resume", "--json", "one", "two"], "unexpected extra argument"),
        (["run", "--json", "--select", "nosuch"], "'nosuch' matches nothing"),
        (["retry", "--json"], "Nothing is recorded yet"),
        (["run", "--json", "--ingest"], "--ingest needs --schema-prefix"),
    ],
)
def test_a_command_line_that_is_refused_is_one_event(elt, tmp_path, line, message):
    """The exit code and the message on stderr are as without --json."""
    shop = write_shop(tmp_path, raw="")
    said = elt(*line, project=shop)
    (event,) = read(said.out)
    assert (event["event"], event["exit_code"], said.code) == ("run_not_started", 2, 2)
    assert message in event["message"]
    assert message in said.err


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (["plan", "--json", "--select", "nosuch"], "E041", "'nosuch' matches nothing"),
        (["plan", "--json", "--nope"], "E021", "No such option '--nope'"),
        (["ls", "--json", "--target", "nope"], "E033", "no target nope"),
        (["ls", "--output", "json", "--target", "nope"], "E033", "no target nope"),
        (["ls", "--output=json", "--nope"], "E021", "No such option '--nope'"),
        (["explain", "--json", "nosuch"], "E023", "no node called nosuch"),
        (["history", "--json"], "E073", "Nothing is recorded yet"),
        (["history", "--json", "--limit", "x"], "E021", "'--limit'"),
        (["show", "--json"], "E073", "Nothing is recorded yet"),
        (["show", "--json", "--events"], "E073", "Nothing is recorded yet"),
        (["show", "--json", "--follow"], "E021", "--follow needs --events"),
        (["logs", "--json", "a", "b", "c"], "E021", "at most one run"),
        (["sql", "--json", "select 1"], "E073", "Nothing is recorded yet"),
        (["adopt", "--json", "--state", "nowhere"], "E025", "does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_an_error_of_a_command_that_writes_json_is_one_object(elt, tmp_path, line, code, message):
    """The exit code and the message on stderr are as without --json."""
    said = elt(*line, project=write_shop(tmp_path, raw=""))
    (event,) = read(said.out)
    assert (event["event"], event["code"], event["exit_code"], said.code) == ("error", code, 2, 2)
    assert message in event["message"]
    assert message in said.err


def test_a_bug_and_an_interruption_of_such_a_command_are_objects_without_secrets(elt, tmp_path, monkeypatch):
    """Whatever ends it."""
    monkeypatch.setenv("MY_API_TOKEN", "hush-hush-hush")
    shop = write_shop(tmp_path, raw="")

    def fail(*_, **__):
        raise errors.pop()

    monkeypatch.setattr("orchestrator.api.planned", fail)
    errors = [KeyboardInterrupt(), RuntimeError("hush-hush-hush")]
    (bug,), (interruption,) = (read(elt("plan", "--json", project=shop).out) for _ in range(2))
    assert (bug["code"], bug["exit_code"], bug["message"]) == ("E001", 3, "RuntimeError: *****")
    assert (interruption["code"], interruption["exit_code"], interruption["message"]) == (None, 130, "Interrupted.")


def test_without_json_an_error_is_only_a_message(elt, tmp_path):
    """The output for people has no objects."""
    for line in (["plan", "--target", "nope"], ["plan", "--log-format", "json", "--target", "nope"]):
        said = elt(*line, project=write_shop(tmp_path, raw=""))
        assert (said.out, said.code) == ("", 2)


def test_wrong_configuration_is_one_event_without_secrets(elt, tmp_path, monkeypatch):
    """A mistake in elt.yml is found before anything is planned."""
    monkeypatch.setenv("MY_API_TOKEN", "hush-hush-hush")
    (tmp_path / "elt.yml").write_text("keep_runs: hush-hush-hush\n")
    (event,) = read(elt("run", "--json", project=write_shop(tmp_path, raw="")).out)
    assert "keep_runs" in event["message"] + event["hint"]
    assert "hush-hush-hush" not in json.dumps(event)


def test_events_without_json_are_refused(elt, tmp_path):
    """People read `elt logs`."""
    said = elt("show", "--events", project=tmp_path)
    assert said.code == 2
    assert "elt logs" in said.err
