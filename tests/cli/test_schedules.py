"""Schedules: what is due runs once, whoever starts it, and whatever happens to its process."""

import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import ended, really_start, start

pytestmark = pytest.mark.functional

PROFILES = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
DAILY = """
schedules:
  nightly:
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    options: {select: [orders]}
"""
SLOW = """
def model(dbt, session):
    import os, time
    dbt.config(materialized="table")
    while os.path.exists("%s"):
        time.sleep(0.05)
    return session.sql("select 1 as id")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with one schedule."""
    return write(tmp_path / "shop")


def write(folder: Path, schedules: str = DAILY, **models: str) -> Path:
    """Write a project; a model is SQL unless it defines `model`."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    (folder / "profiles.yml").write_text(PROFILES)
    (folder / "elt.yml").write_text(schedules)
    for name, code in {"orders": "select 1 as id", **models}.items():
        (folder / "models" / f"{name}.{'py' if 'def model' in code else 'sql'}").write_text(code)
    return folder


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A project whose nightly run goes on until its file `slow` is removed."""
    folder = write(tmp_path / "shop", orders=SLOW % (tmp_path / "slow"))
    (tmp_path / "slow").touch()
    return folder


def record(shop: Path, statement: str) -> list[tuple[object, ...]]:
    """Query or change the record, as only a test may."""
    with closing(sqlite3.connect(shop / ".elt/history.db", timeout=30)) as connection, connection:
        return connection.execute(statement).fetchall()


def a_day_passes(elt, shop: Path, days: float = 1) -> None:
    """Let the schedules be older than they are, so that times of before are due."""
    elt("schedule", "run", "--due", project=shop)
    since = datetime.now(UTC) - timedelta(days=days, minutes=1)
    record(shop, f"update schedules set since = '{since:%Y-%m-%d %H:%M:%S.000000}'")


def times_of(elt, shop: Path, name: str = "nightly") -> list[dict[str, object]]:
    """Give what is recorded of the last time of a schedule."""
    listed = json.loads(elt("schedule", "list", "--json", project=shop).out)
    return [one["last"] for one in listed if one["schedule"] == name and one["last"]]


def runs(shop: Path) -> list[tuple[object, ...]]:
    """Give the recorded runs."""
    return record(shop, "select run_id, status from runs order by started_at")


def until(condition, *, seconds: float = 60) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def until_it_builds(shop: Path) -> None:
    """Wait until the run of the other process has begun to build."""
    database = shop / ".elt/history.db"
    until(lambda: database.exists() and record(shop, "select 1 from sqlite_master where name = 'events'"))
    until(lambda: record(shop, "select 1 from events where kind = 'step_started'"))


def until_it_ended_well(elt, shop: Path) -> None:
    """Wait until the run of a time has succeeded; the record is cheaper to read than `elt schedule list`."""
    until(lambda: record(shop, "select 1 from schedule_times where exit_code = 0"))
    assert times_of(elt, shop)[0]["exit_code"] == 0


def test_a_new_schedule_runs_at_its_next_time_and_not_before(elt, shop: Path) -> None:
    """Nothing of the past is due, and nothing is missed."""
    said = elt("schedule", "run", "--due", project=shop)
    assert (said.code, said.out) == (0, "")
    assert elt("schedule", "check", project=shop).code == 0
    assert record(shop, "select count(*) from schedule_times") == [(0,)]


def test_what_is_due_runs_once(elt, shop: Path) -> None:
    """The second look finds nothing to do."""
    a_day_passes(elt, shop)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    (last,) = times_of(elt, shop)
    assert (last["state"], last["exit_code"], last["starts"]) == ("ended", 0, 1)
    assert runs(shop) == [(last["run_id"], "success")]
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 1


def test_a_second_start_returns_the_recorded_exit_code(elt, shop: Path) -> None:
    """It says so, and runs nothing."""
    (shop / "models/orders.sql").write_text("select no_such_column")
    assert elt("schedule", "run", "nightly", project=shop).code == 1
    again = elt("schedule", "run", "nightly", project=shop)
    assert again.code == 1
    assert "has ended already, with exit code 1" in again.err
    assert len(runs(shop)) == 1


def test_two_starts_at_once_make_one_run(slow: Path) -> None:
    """The second waits for the end of the first, and returns the same exit code."""
    processes = [start("schedule", "run", "nightly", "--quiet", project=slow) for _ in range(2)]
    until_it_builds(slow)
    (slow.parent / "slow").unlink()
    said = [ended(process) for process in processes]
    assert [one.code for one in said] == [0, 0]
    assert sum("is running already" in one.err for one in said) == 1
    assert len(runs(slow)) == 1


def test_a_second_start_is_refused_or_skipped_as_on_busy_says(elt, slow: Path) -> None:
    """Neither touches the run in progress."""
    for word in ("skip", "refuse"):
        (slow / "elt.yml").write_text(DAILY + f"    on_busy: {word}\n")
        if word == "skip":
            process = start("schedule", "run", "nightly", "--quiet", project=slow)
            until_it_builds(slow)
            assert elt("schedule", "run", "nightly", project=slow).code == 0
        else:
            elt("schedule", "run", "nightly", project=slow).refuses("is in progress: process", "elt cancel")
    (slow.parent / "slow").unlink()
    assert ended(process).code == 0


def test_a_run_whose_process_died_is_resumed_by_the_next_look(elt, slow: Path) -> None:
    """It is the same run, and its time ends with its exit code."""
    a_day_passes(elt, slow)
    process = really_start("schedule", "run", "nightly", project=slow)
    until_it_builds(slow)
    process.send_signal(signal.SIGKILL)
    ended(process)
    (slow.parent / "slow").unlink()
    check = elt("schedule", "check", project=slow)
    assert (check.code, "died" in check.out) == (1, True)
    assert elt("schedule", "run", "--due", project=slow).code == 0
    (last,) = times_of(elt, slow)
    assert (last["exit_code"], last["starts"]) == (0, 2)
    assert runs(slow) == [(last["run_id"], "success")]
    assert elt("schedule", "check", project=slow).code == 0


def test_a_failed_run_is_retried_as_often_as_retry_says(elt, shop: Path) -> None:
    """A retry repairs the run that failed; the second one is not made."""
    (shop / "elt.yml").write_text(DAILY + "    retry: {runs: 1, after: 0s}\n")
    (shop / "models/orders.sql").write_text("select no_such_column")
    assert elt("schedule", "run", "nightly", project=shop).code == 1
    assert elt("schedule", "run", "--due", project=shop).code == 1
    assert elt("schedule", "run", "--due", project=shop).code == 0, "nothing was left to do"
    (last,) = times_of(elt, shop)
    assert (last["exit_code"], last["starts"], last["again_at"]) == (1, 2, None)
    assert record(shop, "select count(*) from runs where selected like '%\"retries\"%'") == [(1,)]


def test_after_a_long_sleep_one_run_makes_up_for_all(elt, shop: Path) -> None:
    """The others are recorded as missed."""
    a_day_passes(elt, shop, days=10)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert record(shop, "select state, cause, count(*) from schedule_times group by 1, 2 order by 1") == [
        ("ended", None, 1),
        ("skipped", "missed", 9),
    ]
    assert len(runs(shop)) == 1


def test_a_schedule_runs_after_another(elt, shop: Path) -> None:
    """In the same look, with the same logical time."""
    (shop / "elt.yml").write_text(DAILY + "  tests:\n    on: {schedule: nightly}\n    verb: test\n")
    (shop / "models/orders.yml").write_text("models: [{name: orders, columns: [{name: id, data_tests: [unique]}]}]\n")
    a_day_passes(elt, shop)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert times_of(elt, shop, "tests")[0]["logical_time"] == times_of(elt, shop)[0]["logical_time"]
    assert record(shop, "select verb, status from runs order by started_at") == [
        ("build", "success"),
        ("test", "success"),
    ]


def test_a_paused_schedule_does_not_run_and_does_not_catch_up(elt, shop: Path) -> None:
    """Its times during the pause are gone."""
    a_day_passes(elt, shop)
    assert "is paused" in elt("schedule", "pause", "nightly", project=shop).out
    elt("schedule", "run", "--due", project=shop)
    elt("schedule", "unpause", "nightly", project=shop)
    elt("schedule", "run", "--due", project=shop)
    assert record(shop, "select count(*) from schedule_times") == [(0,)]


def test_a_skipped_time_does_not_run(elt, shop: Path) -> None:
    """It is shown as skipped, and the skip can be undone."""
    coming = json.loads(elt("schedule", "next", "nightly", "-n", "1", "--json", project=shop).out)[0]["local_time"]
    assert elt("schedule", "skip", "nightly", coming, project=shop).code == 0
    (listed,) = json.loads(elt("schedule", "next", "nightly", "-n", "1", "--json", project=shop).out)
    assert listed["note"].startswith("skipped by")
    assert record(shop, "select state from schedule_times") == [("skipped",)]
    assert elt("schedule", "skip", "nightly", coming, "--undo", project=shop).code == 0
    assert record(shop, "select count(*) from schedule_times") == [(0,)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "nigtly"), ("no schedule nigtly", "Did you mean 'nightly'")),
        (("run", "nightly", "--time", "2026-11-28T03:00"), ("has no time at 2026-11-28T03:00", "times next to it")),
        (("run", "nightly", "--time", "soon"), ("'soon' is not a time", "2026-11-28T02:00")),
        (("run", "nightly", "--time", "9999-12-31T23:59"), ("not a time that a schedule can have", "1970 to 2999")),
        (("skip", "nightly", "0001-01-01T00:00+14:00"), ("not a time that a schedule can have",)),
        (("skip", "nightly", "2026-11-28T03:00"), ("has no time", "times next to it")),
        (("skip", "nightly", "2024-11-28T02:00"), ("has passed", "Its next times are", "T02:00+")),
        (("pause", "nightlies"), ("no schedule nightlies",)),
    ],
)
def test_a_schedule_or_a_time_that_does_not_exist(
    elt, shop: Path, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    """The message says what there is."""
    elt("schedule", *words, project=shop).refuses(*said)


def test_a_time_whose_run_could_not_start_runs_once_that_is_mended(elt, shop: Path) -> None:
    """With its own data interval. Until then the list says why, and the clock does not start it again."""
    a_day_passes(elt, shop)
    (shop / "profiles.yml").write_text(PROFILES.replace("dev: {type", "prod: {type"))
    elt("schedule", "run", "nightly", project=shop).refuses("as `target` in its options")
    check = elt("schedule", "check", project=shop)
    assert "ended with exit code 2: The profile shop in" in " ".join(check.out.split())
    (shop / "profiles.yml").write_text(PROFILES)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert runs(shop) == []
    assert elt("schedule", "run", "nightly", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]
    again = elt("schedule", "run", "nightly", project=shop)
    assert (again.code, "has ended already, with exit code 0" in again.err) == (0, True)
    assert elt("schedule", "check", project=shop).code == 0
    assert len(runs(shop)) == 1


def test_all_mistakes_of_schedules_are_reported_at_once(elt, shop: Path) -> None:
    """With their lines."""
    (shop / "elt.yml").write_text(
        """schedules:
  a: {cron: "61 2 * * *", timezone: Mars/Olympus, deadline: tomorrow}
  b: {on: {schedule: c}, options: {selects: [x]}}
  d: {verb: fly}
"""
    )
    elt("schedule", "list", project=shop).refuses(
        *("elt.yml:2: 'schedules.a.cron' is '61 2 * * *'", "'schedules.a.timezone' is 'Mars/Olympus'"),
        *("'schedules.a.deadline' is 'tomorrow'", "elt.yml:3: 'schedules.b': 'options.selects' is not an option"),
        *("'schedules.b': 'on.schedule' names 'c'", "elt.yml:4: 'schedules.d.verb' is 'fly'"),
        "'schedules.d': it needs 'cron' or 'on'",
    )


def test_a_schedule_that_selects_nothing_fails_with_its_reason(elt, shop: Path) -> None:
    """As `elt run` does; the exit code is recorded."""
    (shop / "elt.yml").write_text(DAILY.replace("orders", "no_such_model"))
    elt("schedule", "run", "nightly", project=shop).refuses("no_such_model")
    assert times_of(elt, shop)[0]["exit_code"] == 2


def test_the_foreground_process_starts_what_is_due_and_ends_with_sigterm(elt, shop: Path) -> None:
    """It answers health checks meanwhile, and a second one is refused."""
    a_day_passes(elt, shop)
    process = start("schedule", "start", "--health-port", "18923", project=shop)
    until_it_ended_well(elt, shop)
    with urllib.request.urlopen("http://127.0.0.1:18923/healthz", timeout=10) as answer:
        assert json.loads(answer.read())["looked_at"]
    elt("schedule", "start", project=shop).refuses("Another process starts the schedules")
    process.send_signal(signal.SIGTERM)
    assert ended(process).code == 0
    assert len(runs(shop)) == 1


@pytest.mark.slow
def test_a_restart_of_the_foreground_process_loses_nothing(elt, slow: Path) -> None:
    """SIGTERM interrupts the run; the next process resumes the same one."""
    a_day_passes(elt, slow)
    first = start("schedule", "start", project=slow)
    until_it_builds(slow)
    first.send_signal(signal.SIGTERM)
    assert ended(first).code == 0
    (slow.parent / "slow").unlink()
    second = start("schedule", "start", project=slow)
    until_it_ended_well(elt, slow)
    second.send_signal(signal.SIGTERM)
    assert ended(second).code == 0
    assert [status for _, status in runs(slow)] == ["success"]
    assert record(slow, "select count(*) from schedule_times") == [(1,)]


@pytest.mark.slow
def test_a_run_that_survived_the_foreground_process_is_reported_and_watched(elt, slow: Path, tmp_path: Path) -> None:
    """Once when the next process starts, and once when it ends; it is not started again."""
    survivor = start("schedule", "run", "nightly", "--quiet", project=slow)
    until_it_builds(slow)
    told = tmp_path / "told"
    with told.open("w") as stderr:
        process = start("schedule", "start", project=slow, stderr=stderr)
    until(lambda: "goes on in process" in told.read_text())
    (slow.parent / "slow").unlink()
    assert ended(survivor).code == 0
    until(lambda: "ended with exit code 0" in told.read_text())
    process.send_signal(signal.SIGTERM)
    assert ended(process).code == 0
    lines = [line.partition("nightly: ")[2] for line in told.read_text().splitlines() if "nightly: " in line]
    assert len(lines) == 2
    assert f"goes on in process {survivor.pid} on " in lines[0]
    assert lines[0].endswith("it is watched, and not started again")
    assert [status for _, status in runs(slow)] == ["success"]


def an_old_file(path: Path, *, seconds_ago: float = 60) -> None:
    """Write a file that was last written some time ago."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("id\n1\n")
    before = time.time() - seconds_ago
    os.utime(path, (before, before))


def test_each_new_file_starts_one_run(elt, shop: Path) -> None:
    """Files that were there before start nothing; a file that is still being written waits."""
    (shop / "elt.yml").write_text('schedules: {landing: {on: {files: "landing/*.csv"}, options: {select: [orders]}}}\n')
    an_old_file(shop / "landing/first.csv")
    for _ in range(2):
        assert elt("schedule", "run", "--due", project=shop).code == 0
    assert record(shop, "select count(*) from schedule_times") == [(0,)]
    an_old_file(shop / "landing/second.csv")
    an_old_file(shop / "landing/third.csv")
    an_old_file(shop / "landing/fourth.csv", seconds_ago=-3600)  # as if it were being written all the time
    for _ in range(2):
        assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 1
    (shop / "landing/second.csv").unlink()
    an_old_file(shop / "landing/fourth.csv")
    time.sleep(1)  # two runs have two logical times
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 2


def test_a_folder_that_cannot_be_listed_does_not_stop_other_schedules(elt, shop: Path) -> None:
    """The exit code says that something is wrong."""
    (shop / "elt.yml").write_text(DAILY + "  landing: {on: {files: 'nosuch://bucket/*.csv'}}\n")
    a_day_passes(elt, shop)
    said = elt("schedule", "run", "--due", project=shop)
    assert (said.code, "landing: Files of nosuch://" in said.err) == (2, True)
    assert [status for _, status in runs(shop)] == ["success"]


def test_a_table_that_a_run_has_changed_starts_a_schedule(elt, shop: Path) -> None:
    """A run that builds the same again does not."""
    (shop / "elt.yml").write_text(
        "schedules: {follow: {on: {table: orders}, options: {select: [report], upstream: none}}}\n"
    )
    (shop / "models/report.sql").write_text("select * from {{ ref('orders') }}")
    elt("run", "--select", "orders", project=shop)
    elt("schedule", "run", "--due", project=shop)
    assert len(runs(shop)) == 1, "what was built before starts nothing"
    elt("run", "--select", "orders", project=shop)
    elt("schedule", "run", "--due", project=shop)
    assert len(runs(shop)) == 2, "the same result starts nothing"
    (shop / "models/orders.sql").write_text("select 2 as id")
    elt("run", "--select", "orders", project=shop)
    for _ in range(2):
        assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 4
    assert times_of(elt, shop, "follow")[0]["exit_code"] == 0


def test_a_record_that_was_lost_repeats_nothing(elt, shop: Path) -> None:
    """The schedule begins anew: what ran before is not due again."""
    a_day_passes(elt, shop)
    elt("schedule", "run", "--due", project=shop)
    for file in (shop / ".elt").glob("history.db*"):
        file.unlink()
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert record(shop, "select count(*) from runs") == [(0,)]


def test_a_target_that_is_gone_fails_the_time_and_is_retried(elt, shop: Path) -> None:
    """The exit code is recorded with the time."""
    (shop / "elt.yml").write_text(DAILY + "    retry: {runs: 1, after: 0s}\n")
    (shop / "profiles.yml").rename(shop / "profiles.bak")
    elt("schedule", "run", "nightly", project=shop).refuses("profile")
    assert times_of(elt, shop)[0]["exit_code"] == 2
    (shop / "profiles.bak").rename(shop / "profiles.yml")
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert (times_of(elt, shop)[0]["exit_code"], times_of(elt, shop)[0]["starts"]) == (0, 2)


def test_history_shows_what_started_a_retry(elt, shop: Path) -> None:
    """The schedule, its time and the attempt: not the options, which the retry did not use."""
    (shop / "elt.yml").write_text(DAILY + "    retry: {runs: 1, after: 0s}\n")
    (shop / "models/orders.sql").write_text("select no_such_column")
    elt("schedule", "run", "nightly", project=shop)
    elt("schedule", "run", "--due", project=shop)
    retried, first = elt("history", project=shop).out.splitlines()[1:3]
    assert "elt schedule run nightly --time 20" in retried
    assert ", attempt 2 " in retried
    assert "elt run --select orders" in first
    assert "attempt" not in first
    shown = json.loads(elt("show", "--json", project=shop).out)
    assert (shown["schedule"], shown["schedule_attempt"]) == ("nightly", 2)


def test_a_retry_by_hand_repairs_the_time_of_its_schedule(elt, shop: Path) -> None:
    """It is neither retried again nor reported."""
    (shop / "elt.yml").write_text(DAILY + "    retry: {runs: 2, after: 0s}\n")
    (shop / "models/orders.sql").write_text("select no_such_column")
    elt("schedule", "run", "nightly", project=shop)
    (shop / "models/orders.sql").write_text("select 1 as id")
    assert elt("retry", project=shop).code == 0
    assert elt("schedule", "check", project=shop).code == 0
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 2


def test_a_retry_by_hand_that_fails_again_removes_the_note_of_the_run_before(elt, shop: Path) -> None:
    """The note said why that run was put off, and would put the time off once more."""
    (shop / "models/orders.sql").write_text("select no_such_column")
    elt("schedule", "run", "nightly", project=shop)
    record(shop, "update schedule_times set note = 'a disk was full', put_off = 'no_room'")
    assert elt("retry", project=shop).code == 1
    (last,) = times_of(elt, shop)
    assert (last["exit_code"], last["note"], last["run_id"]) == (1, "", runs(shop)[-1][0])


def test_a_run_goes_on_when_elt_yml_breaks_meanwhile(elt, slow: Path, monkeypatch) -> None:
    """The process that started it waits for its end, and says what is wrong."""
    monkeypatch.setattr("orchestrator.schedules.schedule_loop._LOOK", timedelta(seconds=0.5))
    a_day_passes(elt, slow)

    def break_elt_yml() -> None:
        until_it_builds(slow)
        (slow / "elt.yml").write_text("schedules: [broken")
        time.sleep(2)  # longer than the time between two looks
        (slow.parent / "slow").unlink()

    with ThreadPoolExecutor(1) as other:
        breaking = other.submit(break_elt_yml)
        said = elt("schedule", "run", "--due", project=slow)
        breaking.result()
    assert (said.code, "cannot look at the schedules" in said.err) == (2, True)
    assert [status for _, status in runs(slow)] == ["success"]


def test_a_time_that_has_not_come_is_not_run(elt, shop: Path) -> None:
    """It would be taken for one that ran."""
    coming = json.loads(elt("schedule", "next", "nightly", "-n", "1", "--json", project=shop).out)[0]["local_time"]
    elt("schedule", "run", "nightly", "--time", coming, project=shop).refuses("has not come yet", "--now")


def test_an_interrupted_time_is_resumed_by_a_second_start(elt, slow: Path) -> None:
    """It is the same run."""
    process = start("schedule", "run", "nightly", project=slow)
    until_it_builds(slow)
    process.send_signal(signal.SIGTERM)
    assert ended(process).code == 130
    (slow.parent / "slow").unlink()
    assert elt("schedule", "run", "nightly", project=slow).code == 0
    assert [status for _, status in runs(slow)] == ["success"]


def test_a_file_with_any_name_in_a_folder_with_any_name_starts_a_run(elt, tmp_path: Path) -> None:
    """Brackets of the folder are no pattern, and a name need not be text."""
    schedules = 'schedules: {landing: {on: {files: "landing/*.csv"}, options: {select: [orders]}}}\n'
    shop = write(tmp_path / "shop [x]", schedules)
    elt("schedule", "run", "--due", project=shop)
    an_old_file(shop / "landing" / os.fsdecode(b"\xff.csv"))
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert len(runs(shop)) == 1


def test_files_that_arrive_in_a_maintenance_window_start_a_run_after_it(elt, shop: Path) -> None:
    """Meanwhile nothing starts."""
    schedules = 'schedules: {landing: {on: {files: "landing/*.csv"}, options: {select: [orders]}}}\n'
    (shop / "elt.yml").write_text(schedules)
    elt("schedule", "run", "--due", project=shop)
    an_old_file(shop / "landing/first.csv")
    (shop / "elt.yml").write_text(schedules + "maintenance: [{from: 2020-01-01 00:00, to: 2999-01-01 00:00}]\n")
    elt("schedule", "run", "--due", project=shop)
    assert record(shop, "select count(*) from runs") == [(0,)]
    (shop / "elt.yml").write_text(schedules)
    elt("schedule", "run", "--due", project=shop)
    assert len(runs(shop)) == 1


def test_a_named_run_does_not_wait_for_a_retry_that_a_later_time_made_up_for(elt, shop: Path) -> None:
    """A job of a hosted scheduler would otherwise never end."""
    (shop / "elt.yml").write_text(DAILY + "    retry: {runs: 1, after: 1h}\n")
    old, new = (datetime.now(UTC).date() - timedelta(days=days) for days in (3, 2))
    (shop / "models/orders.sql").write_text("select no_such_column")
    assert elt("schedule", "run", "nightly", "--time", f"{old}T02:00", project=shop).code == 1
    (shop / "models/orders.sql").write_text("select 1 as id")
    assert elt("schedule", "run", "nightly", "--time", f"{new}T02:00", project=shop).code == 0
    a_day_passes(elt, shop)
    assert elt("schedule", "run", "--due", "nightly", project=shop).code == 0
    assert len(runs(shop)) == 3


def test_check_names_nodes_that_do_not_exist(elt, shop: Path) -> None:
    """In a selection and as a trigger, from dbt's last manifest; a file that is newer counts as a node."""
    wrong = DAILY.replace("[orders]", "[ordrs, +orders, tag:nightly, 'shop.*', models/orders.sql]")
    (shop / "elt.yml").write_text(f"{wrong}  onward:\n    on: {{table: stg_orders}}\n")
    assert elt("schedule", "check", project=shop).code == 0  # there is no manifest
    assert elt("run", project=shop).code == 0
    check = elt("schedule", "check", project=shop)
    assert check.code == 1
    assert check.out.splitlines() == [
        "nightly: options.select names ordrs, and the project has no such node. Did you mean 'orders'?",
        "nightly: options.select names tag:nightly, which nothing in the project has",
        "onward: on.table names stg_orders, and the project has no such node. Did you mean 'orders'?",
    ]
    (shop / "models" / "stg_orders.sql").write_text("select 1 as id")
    kinds = [one["problems"] for one in json.loads(elt("schedule", "check", "--json", project=shop).out)]
    assert [[one["kind"] for one in of_schedule] for of_schedule in kinds] == [["unknown_node", "unknown_node"], []]
    (shop / "models" / "models.yml").write_text("models: [{name: orders, config: {tags: [nightly]}}]")
    assert elt("schedule", "check", project=shop).code == 0  # only dbt can tell


def test_check_names_destinations_and_pings_without_a_url(elt, shop: Path, monkeypatch) -> None:
    """In one line each, whichever schedules tell them; a variable of the runs' own environment counts as set."""
    (shop / "elt.yml").write_text(
        DAILY + '    ping: "${PING_OF_NIGHTLY}"\n  hourly: {cron: "0 * * * *"}\n'
        'notifications: {destinations: {ops: {url: "${OPS_URL}"}, mail: {file: mail.txt}, other: {url: "${NO_URL}"}},'
        " rules: [{to: [ops, mail]}]}\n"
    )
    check = elt("schedule", "check", project=shop)
    assert check.code == 1
    lines = check.out.splitlines()
    assert len(lines) == 3
    assert "nightly, hourly: the destination ops gets no notifications: " in lines[0]
    assert "OPS_URL" in lines[0]
    assert "nightly, hourly: the destination mail gets no notifications: " in lines[1]
    assert "mail.txt" in lines[1]
    assert "nightly: its ping is not called: " in lines[2]
    assert "PING_OF_NIGHTLY" in lines[2]
    (shop / ".elt").mkdir(exist_ok=True)
    (shop / ".elt" / "schedule.env").write_text("OPS_URL=json://localhost/\n")
    (shop / "mail.txt").write_text("json://localhost/")
    monkeypatch.setenv("PING_OF_NIGHTLY", "http://localhost/")
    assert elt("schedule", "check", project=shop).code == 0
