"""What `elt schedule` says: times name their zone, and an answer says what the user can do next."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

SCHEDULES = """
schedules:
  nightly:
    cron: "0 2 * * *"
    timezone: Asia/Kolkata
    options: {select: [orders]}
  tests:
    on: {schedule: nightly}
    options: {select: [orders], skip_unchanged: true}
  landing:
    on: {files: "landing/*.csv"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with a schedule of the clock, and two that something else starts."""
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n")
    (tmp_path / "elt.yml").write_text(SCHEDULES)
    (tmp_path / "models/orders.sql").write_text("select 1 as id")
    return tmp_path


def days_pass(elt, shop: Path, days: int) -> None:
    """Let the schedules be older than they are."""
    elt("schedule", "run", "--due", project=shop)
    since = datetime.now(UTC) - timedelta(days=days, minutes=1)
    with closing(sqlite3.connect(shop / ".elt/history.db", timeout=30)) as connection, connection:
        connection.execute(f"update schedules set since = '{since:%Y-%m-%d %H:%M:%S.000000}'")


def test_every_time_is_shown_in_the_zone_of_its_schedule(elt, shop: Path) -> None:
    """In the list, in what is wrong, and in what a look says."""
    (shop / "models/orders.sql").write_text("select no_such_column")
    (shop / "elt.yml").write_text(SCHEDULES.replace("    options", "    retry: {runs: 1, after: 5h}\n    options"))
    days_pass(elt, shop, 1)
    said = elt("schedule", "run", "--due", project=shop)
    assert "nightly: started for 20" in said.err
    assert " 02:00 IST\n" in said.err
    listed = elt("schedule", "list", project=shop).out
    assert listed.count(" 02:00 IST") == 3, "the next time, the last one, and what is wrong"
    (again,) = [line for line in listed.splitlines() if "again at" in line]
    assert again.partition("again at ")[2].split()[1] == "IST"
    assert "UTC" not in listed
    assert "02:00 IST" in elt("schedule", "run", "nightly", project=shop).err


def test_a_time_that_does_not_exist_is_named_as_it_was_typed_with_its_neighbours(elt, shop: Path) -> None:
    """Both verbs say the same, and its words can be typed again."""
    for words in (("skip", "nightly", "2026-11-28T03:00"), ("run", "nightly", "--time", "2026-11-28T03:00")):
        elt("schedule", *words, project=shop).refuses(
            "The schedule nightly has no time at 2026-11-28T03:00 (Asia/Kolkata).",
            "The times next to it are 2026-11-28T02:00+05:30 and 2026-11-29T02:00+05:30.",
        )
    elt("schedule", "skip", "nightly", "2026-11-28T03:00+00:00", project=shop).refuses("at 2026-11-28T03:00+00:00.")
    elt("schedule", "skip", "tests", "2026-11-28T03:00", project=shop).refuses(
        "The clock does not start it: it starts after each run of nightly that succeeded."
    )


def test_the_times_of_a_schedule_that_the_clock_does_not_start(elt, shop: Path) -> None:
    """What starts it is said instead, and where to look further."""
    assert elt("schedule", "next", "tests", project=shop).out == (
        "tests: no times of its own; it starts after each run of nightly that succeeded"
        " (its times: elt schedule next nightly)\n"
    )
    said = elt("schedule", "next", "-n", "1", project=shop).out
    assert "02:00 IST" in said
    assert "landing: no times of its own; it starts on new files that match landing/*.csv\n" in said
    assert json.loads(elt("schedule", "next", "tests", "--json", project=shop).out) == []


def test_a_misspelled_key_is_one_mistake(elt, shop: Path) -> None:
    """The key that was meant is not also missing."""
    (shop / "elt.yml").write_text('schedules: {nightly: {cronn: "0 2 * * *"}}\n')
    said = elt("schedule", "list", project=shop)
    said.refuses("has a mistake", "unknown key 'schedules.nightly.cronn'. Did you mean 'cron'?")
    assert "it needs" not in said.err


def test_lines_of_several_schedules_name_theirs(elt, shop: Path) -> None:
    """The lines of one alone do not; JSON lines stay JSON."""
    days_pass(elt, shop, 1)
    said = elt("schedule", "run", "--due", project=shop)
    assert said.code == 0
    lines = said.out.splitlines()
    assert {line.split()[0] for line in lines} == {"nightly", "tests"}
    assert all(line[7:10] == " | " for line in lines)
    (shop / "elt.yml").write_text(SCHEDULES.replace("0 2", "5 2"))
    days_pass(elt, shop, 2)
    events = [json.loads(line) for line in elt("schedule", "run", "--due", "--json", project=shop).out.splitlines()]
    assert {one["schedule"] for one in events if one["event"] == "run_started"} == {"nightly", "tests"}
    (shop / "elt.yml").write_text(SCHEDULES.replace("0 2", "10 2"))
    days_pass(elt, shop, 2)
    assert " | " not in elt("schedule", "run", "--due", "nightly", project=shop).out


def test_a_plan_of_a_schedule_shows_the_run_that_comes_next(elt, shop: Path) -> None:
    """Its data interval, deadline and retry; the vars of the run are those of its time."""
    keys = '    deadline: "06:00"\n    retry: {runs: 2, after: 10m}\n'
    (shop / "elt.yml").write_text(SCHEDULES.replace("  tests:", f"{keys}  tests:"))
    (shop / "models/orders.sql").write_text("select '{{ var(\"elt_data_interval_end\")[:10] }}' as day")
    coming = json.loads(elt("schedule", "next", "nightly", "-n", "1", "--json", project=shop).out)[0]
    day = datetime.fromisoformat(coming["local_time"]).date()
    elt("plan", "--schedule", "nightly", project=shop).reports(
        f"data interval: from {day - timedelta(days=1)} 02:00 IST to {day} 02:00 IST",
        f"deadline: {day} 06:00 IST",
        "retry: at most 2 times, 10 min after a run that did not succeed",
        "view orders",
        code=0,
    )
    found = json.loads(elt("plan", "--schedule", "nightly", "--json", project=shop).out)["schedule"]
    assert found["next_run"] == {
        "logical_time": coming["logical_time"],
        "data_interval_start": f"{day - timedelta(days=2)}T20:30:00+00:00",
        "data_interval_end": coming["logical_time"],
        "deadline": f"{day}T06:00:00+05:30",
    }
    assert found["retry"] == {"runs": 2, "after_seconds": 600}
    elt("plan", "--schedule", "tests", project=shop).reports(
        "schedule tests: after nightly", "UTC, that of nightly", code=0
    )
    landing = json.loads(elt("plan", "--schedule", "landing", "--json", project=shop).out)["schedule"]
    assert landing["next_run"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("target: prod", "the profile shop in {shop}/profiles.yml has no target prod; it has dev"),
        ("profile: shopp", "{shop}/profiles.yml has no profile shopp; it has shop. Did you mean 'shop'?"),
        ("upstream: some", "its options cannot be given to `elt run`: Invalid value for '--upstream': 'some'"),
        ("lock_timeout: soon", "its options cannot be given to `elt run`: Invalid value for '--lock-timeout'"),
    ],
)
def test_a_schedule_whose_runs_cannot_start_is_reported_before_its_time(
    elt, shop: Path, options: str, said: str
) -> None:
    """In the list and by the check; the others are in order."""
    (shop / "elt.yml").write_text(SCHEDULES.replace("select: [orders]", options, 1))
    assert f"nightly: {said.format(shop=shop)}" in elt("schedule", "list", project=shop).out
    check = elt("schedule", "check", project=shop)
    assert (check.code, check.out.count("\n")) == (1, 1)
    assert check.out.startswith(f"nightly: {said.format(shop=shop)}")
    (problem,) = json.loads(elt("schedule", "check", "nightly", "--json", project=shop).out)[0]["problems"]
    assert problem["kind"] == "cannot_run"
    assert elt("schedule", "check", "tests", project=shop).code == 0


def test_a_target_that_only_the_environment_of_the_scheduler_names_is_not_reported(elt, shop: Path) -> None:
    """`.elt/schedule.env` may choose another folder; without a profiles.yml, nothing is known either."""
    (shop / "elt.yml").write_text(SCHEDULES.replace("select: [orders]", "target: prod", 1))
    (shop / ".elt").mkdir()
    (shop / ".elt/schedule.env").write_text("DBT_PROFILES_DIR=/etc/dbt\n")
    assert elt("schedule", "check", project=shop).code == 0


def test_the_target_of_the_profile_itself_must_exist(elt, shop: Path) -> None:
    """It may have been renamed."""
    (shop / "profiles.yml").write_text("shop: {target: dev, outputs: {prod: {type: duckdb, path: shop.duckdb}}}\n")
    assert elt("schedule", "check", "landing", project=shop).out == (
        f"landing: the profile shop in {shop}/profiles.yml has no target dev; it has prod\n"
    )


def test_a_tag_that_no_schedule_has_is_not_taken_for_an_empty_file(elt, shop: Path) -> None:
    """The file has schedules."""
    assert elt("schedule", "list", "--tag", "daily", project=shop).out == "No schedule has one of these tags.\n"
