"""What is recorded of runs, as a user asks for it."""

import json
import re
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import ended, really_start, start
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional
SLOW = "select count(*) as id from range(1) t(i) where sleep_ms(3600000 + i) is null"
"""Takes an hour, and no processor from the tests beside it."""


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, {"models/marts/slow.sql": "select 1 as id"})


def recorded(elt, shop) -> list[dict[str, object]]:
    """Give the list of runs, newest first."""
    said = elt("history", "--json", project=shop)
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def test_every_run_is_recorded_with_its_steps(elt, shop):
    """The list says how it ended, `elt show` its steps, `elt logs` what happened to one; `elt sql` answers the rest."""
    assert elt("run", "--select", "+slow", "--vars", "{api_token: hush-hush}", project=shop).code == 0
    (head,) = recorded(elt, shop)
    assert (head["status"], head["state"], head["command"][:3]) == ("success", "ended", ["run", "--select", "+slow"])
    assert "hush-hush" not in json.dumps(head)

    shown = elt("show", project=shop).out
    assert f"{head['run_id']}  success" in shown
    assert "model     slow" in " ".join(shown.split()).replace("model slow", "model     slow")
    document = json.loads(elt("show", head["run_id"][:12], "--json", project=shop).out)
    (step,) = (step for step in document["plan"] if step["name"] == "slow")
    assert (step["status"], [attempt["status"] for attempt in step["attempts"]]) == ("success", ["success"])

    log = [json.loads(line)["event"] for line in elt("logs", "slow", "--json", project=shop).out.splitlines()]
    assert log == ["step_started", "step_ended"]
    asked = elt("sql", "select status, count(*) as n from history_runs group by 1", "--json", project=shop)
    assert json.loads(asked.out) == {"status": "success", "n": 1}


COUNTED = {
    "models/marts/grows.sql": """
        {{ config(materialized='incremental') }}
        select (select count(*) from {{ source('raw', 'orders') }}) as orders
        """,
    "models/marts/trimmed.sql": """
        {{ config(post_hook={'sql': "delete from {{ this }} where id = 10", 'transaction': false}) }}
        select id from {{ source('raw', 'orders') }}
        """,
    "snapshots/kept.yml": """
        snapshots:
          - name: kept
            relation: ref('stg_customers')
            config: {unique_key: customer_id, strategy: check, check_cols: all, schema: main}
        """,
}


@pytest.mark.parametrize("in_target", ["true", "false"])
def test_the_rows_of_what_is_built_are_counted(elt, tmp_path, in_target):
    """Of tables, incremental models and snapshots, after each build: in the run, `elt show` and `elt history`."""
    shop = write_shop(tmp_path, {**COUNTED, "elt.yml": f"state_in_target: {in_target}"})
    ran = elt("run", "--json", project=shop)
    ends = [json.loads(line) for line in ran.out.splitlines() if '"step_ended"' in line]
    rows = {"fct_orders": 3, "dim_customers": 2, "grows": 1, "kept": 2, "trimmed": 2}
    assert {end["name"]: end["row_count"] for end in ends if end["row_count"] is not None} == rows
    said = elt("run", "--select", "grows", project=shop)
    assert re.search(r"model grows  \d+\.\ds  2 rows", said.out), said.out
    (head, first) = recorded(elt, shop)
    assert head["row_counts"] == {"model.shop.grows": 2}
    assert sorted(first["row_counts"].values()) == sorted(rows.values())
    shown = elt("show", project=shop).out.splitlines()
    grows = next(line for line in shown if line.startswith("success") and " grows " in line)
    assert grows.split()[2] == "2"
    asked = elt("sql", "select row_count from history_steps where name = 'grows' order by 1", project=shop)
    assert asked.out.split()[:3] == ["row_count", "1", "2"]


def test_a_prefix_of_several_ids_is_ambiguous(elt, shop):
    """Every command that takes a run says so in the same words."""
    for _ in range(2):
        elt("run", "--select", "slow", project=shop)
    for words in (["show", "20"], ["logs", "20"], ["logs", "20", "slow"], ["cancel", "20"], ["resume", "20"]):
        elt(*words, project=shop).refuses("Several runs begin with 20", "Type more of the id")


def test_a_recorded_failure_is_shown_as_it_was_reported(elt, shop):
    """The first cause and what it halted stand in `elt show` of the run."""
    (shop / "models/marts/slow.sql").write_text("select no_such_column")
    assert elt("run", "--select", "slow", project=shop).code == 1
    shown = elt("show", project=shop)
    assert shown.code == 0
    assert "First cause" in shown.out
    assert "no_such_column" in shown.out


def test_a_killed_run_is_interrupted_and_what_it_did_is_known(elt, shop):
    """After kill -9 the list says `interrupted`; the steps that ended are there, the one that ran has no end.

    The process that is killed was really started, not forked.
    """
    (shop / "models/marts/slow.sql").write_text(SLOW)
    run = really_start("run", "--select", "slow", "--json", project=shop)
    until_it_builds(run)
    assert recorded(elt, shop)[0]["state"] == "running"
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    (head,) = recorded(elt, shop)
    assert (head["state"], head["status"]) == ("interrupted", None)
    document = json.loads(elt("show", "--json", project=shop).out)
    (slow,) = (step for step in document["plan"] if step["name"] == "slow")
    assert [attempt["status"] for attempt in slow["attempts"]] == [None]
    others = [step["status"] for step in document["plan"] if step["name"] != "slow"]
    assert set(others) <= {"success", "warn", None}
    elt("cancel", project=shop).refuses("is not running")


def test_a_run_can_be_cancelled_from_another_process(elt, shop):
    """`elt cancel` ends it as Ctrl-C does: exit 130, recorded as cancelled."""
    (shop / "models/marts/slow.sql").write_text(SLOW)
    run = start("run", "--select", "slow", "--json", project=shop)
    until_it_builds(run)
    assert elt("cancel", project=shop).code == 0
    assert ended(run).code == 130
    assert recorded(elt, shop)[0]["status"] == "cancelled"


def test_old_runs_are_pruned_when_asked(elt, shop):
    """The newest are kept."""
    for _ in range(3):
        elt("run", "--select", "slow", project=shop)
    newest = recorded(elt, shop)[0]["run_id"]
    said = elt("history", "prune", "--keep", "1", project=shop).out
    assert re.match(
        r"2 runs deleted; the newest 1 and those that are running are kept. [\d.]+ (bytes|kB) freed", said
    ), said
    assert [head["run_id"] for head in recorded(elt, shop)] == [newest]


def test_a_run_prunes_runs_that_are_too_old(elt, tmp_path):
    """As many are kept as `keep_runs` says, and what was built is reused all the same."""
    shop = write_shop(tmp_path, {"elt.yml": "keep_runs: 2"})
    for _ in range(4):
        last = elt("run", "--select", "fct_orders", "--skip-unchanged", project=shop)
    last.reports("reused", code=0)
    assert len(recorded(elt, shop)) == 2
    results = json.loads((shop / "target/run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"success", "pass"}
    assert len(results) == recorded(elt, shop)[0]["counts"]["reused"] - 1  # an ephemeral model has no result
    assert "0 runs deleted" in elt("history", "prune", project=shop).out
    assert "0 runs deleted" in elt("history", "prune", "--keep", "9" * 20, project=shop).out
    (shop / "elt.yml").write_text("keep_runs: " + "9" * 20)
    assert "0 runs deleted" in elt("history", "prune", project=shop).out
    (shop / "elt.yml").write_text("keep_runs: none")
    elt("history", "prune", project=shop).refuses("keep_runs is none", "--keep N")


def test_pruning_a_record_in_use_deletes_rows_but_does_not_shrink_the_file(elt, shop):
    """The message says why."""
    for _ in range(3):
        elt("run", "--select", "slow", project=shop)
    with closing(sqlite3.connect(shop / ".elt/history.db", isolation_level=None)) as other:
        other.execute("begin")
        other.execute("select * from runs").fetchall()
        said = elt("history", "prune", "--keep", "1", project=shop)
    assert "2 runs deleted" in said.out
    assert said.code == 0


def test_queries_without_a_record_and_invalid_queries(elt, shop):
    """Each is refused with what to do; nothing is made."""
    for words in (
        ["history"],
        ["show"],
        ["logs"],
        ["sql", "select 1"],
        ["cancel"],
        ["history", "prune", "--keep", "1"],
    ):
        elt(*words, project=shop).refuses("Nothing is recorded yet")
    assert not (shop / ".elt" / "history.db").exists()
    elt("run", "--select", "slow", project=shop)
    elt("show", "2001", project=shop).refuses("There is no run 2001")
    elt("logs", "nobody", project=shop).refuses("has no step called nobody")
    elt("sql", "select * from nowhere", project=shop).refuses("no such table: nowhere")
    elt("sql", "delete from runs", project=shop).refuses("readonly")
    assert len(recorded(elt, shop)) == 1


def test_a_run_that_cannot_be_recorded_does_not_start(elt, shop, monkeypatch):
    """The message names the store; no table is built."""
    monkeypatch.setenv("ELT_STORE", "shop.csv/history.db")
    (shop / "shop.csv").write_text("")
    elt("run", "--select", "slow", project=shop).refuses("cannot be written", "shop.csv/history.db")
    assert sql(shop, "select count(*) from information_schema.tables where table_name = 'slow'") == [(0,)]


def until_it_builds(run) -> None:
    """Read the run's lines until its model has started."""
    for line in run.stdout:
        if "step_started" in line and "slow" in line:
            return


def test_the_timings_of_a_run_are_shown(elt, shop):
    """Each step with its parts, the critical path, and as JSON everything in seconds."""
    assert elt("run", project=shop).code == 0
    said = elt("show", "--timings", project=shop)
    assert said.code == 0
    assert "Critical path" in said.out
    found = json.loads(elt("show", "--timings", "--json", project=shop).out)
    ran = [step for step in found["steps"] if step["ran"]]
    built = [step for step in ran if step["kind"] == "model" and step["executed"] is not None]
    assert built
    assert all(step["compiled"] + step["executed"] <= step["ran"] for step in built)
    assert found["critical_path"][-1] == max(ran, key=lambda step: step["ended_at"])["step_id"]
    assert found["took"] >= found["critical_path_took"] >= found["unlimited"] > 0
    assert elt("show", "--timings", "--events", "--json", project=shop).code == 2


def test_the_command_of_a_run_can_be_pasted_into_a_shell(elt, tmp_path):
    """Words with spaces, quotes or patterns are quoted."""
    shop = write_shop(tmp_path / "shop")
    elt("run", "--select", "path:models/*", "--vars", '{"a": 1}', project=shop)
    command = """elt run --select 'path:models/*' --vars '{"a": 1}'"""
    assert command in elt("history", project=shop).out
    assert command in elt("show", project=shop).out
