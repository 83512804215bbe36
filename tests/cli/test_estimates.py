"""How long a run takes is shown from its second run on, and a run that misses its deadline says so."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

PROFILES = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
SLEEPY = """
def model(dbt, session):
    import time
    dbt.config(materialized="table")
    time.sleep(%s)
    return session.sql("select 1 as id")
"""
NOTIFIED = """
notifications:
  destinations: {team: {url: "${TEAM_URL}"}}
  rules: [{to: team}]
"""
NIGHTLY = """
schedules:
  nightly: {cron: "0 2 * * *", deadline: "03:00"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with one slow model, one fast model, and an exposure with a deadline."""
    folder = tmp_path / "shop"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    (folder / "profiles.yml").write_text(PROFILES)
    (folder / "elt.yml").write_text(NIGHTLY)
    (folder / "models/slow.py").write_text(SLEEPY % 1.5)
    (folder / "models/mart.sql").write_text("select * from {{ ref('slow') }}")
    return folder


def expose(shop: Path, deadline: str, more: str = "") -> None:
    """Give the mart an exposure with a deadline."""
    (shop / "models/exposures.yml").write_text(
        "exposures:\n"
        "  - name: report\n    type: dashboard\n    owner: {name: ada, email: ada@example.com}\n"
        f"    depends_on: [ref('mart')]\n    config: {{meta: {{elt: {{deadline: '{deadline}'{more}}}}}}}\n"
    )


def test_a_plan_says_how_long_it_takes_once_it_has_run(elt, shop: Path) -> None:
    """So does the run, and the estimate is recorded with its start."""
    first = elt("plan", project=shop)
    assert "about" not in first.out
    assert json.loads(elt("plan", "--json", project=shop).out)["estimate"] is None
    begun = json.loads(elt("run", "--json", project=shop).out.splitlines()[0])
    assert (begun["event"], begun["estimate"]) == ("run_started", None)
    again = elt("plan", project=shop).out.splitlines()[0]
    assert "about" in again
    assert again.endswith("(from 1 run)")
    estimate = json.loads(elt("plan", "--json", project=shop).out)["estimate"]
    assert 1.5 <= estimate["low_seconds"] <= estimate["seconds"] <= estimate["high_seconds"]
    assert (estimate["runs"], estimate["unknown_steps"]) == (1, 0)
    lines = elt("run", "--json", project=shop).out
    begun = json.loads(lines.splitlines()[0])
    assert begun["estimate"]["runs"] == 1
    assert begun["estimate"]["seconds"] < estimate["seconds"]  # without the start of the command
    assert elt("show", "--json", "--events", project=shop).out == lines
    text = elt("run", project=shop)
    assert ", done by " in text.out.splitlines()[0]


def test_a_scheduled_run_that_passes_its_deadline_warns(elt, shop: Path) -> None:
    """Here of a day that was missed, whose deadline has passed long ago; the run itself succeeds."""
    (shop / "models/slow.py").write_text(SLEEPY % 4)
    yesterday = (datetime.now(UTC) - timedelta(days=2)).replace(hour=2, minute=0)
    said = elt("schedule", "run", "nightly", "--time", f"{yesterday:%Y-%m-%dT%H:%M}", project=shop)
    assert said.code == 0
    assert "late: schedule nightly: deadline 03:00 UTC, which has passed" in said.out


def test_a_scheduled_run_that_is_late_is_noted_for_notifications(
    elt, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, with its schedule and its deadline, before its end; however short the run is."""
    monkeypatch.setenv("TEAM_URL", "json://127.0.0.1:9/")
    (shop / "elt.yml").write_text(NIGHTLY + NOTIFIED)
    day = (datetime.now(UTC) - timedelta(days=2)).replace(hour=2, minute=0)
    assert elt("schedule", "run", "nightly", "--time", f"{day:%Y-%m-%dT%H:%M}", project=shop).code == 0
    with closing(sqlite3.connect(shop / ".elt/history.db", timeout=30)) as connection:
        rows = [json.loads(body) for (body,) in connection.execute("select body from happenings")]
    assert [row["kind"] for row in rows] == ["late", "ended"]
    late = rows[:1]
    assert [(row["schedule"], row["deadline"][11:16]) for row in late] == [("nightly", "03:00")]


def test_a_deadline_that_cannot_be_read_is_refused_with_its_file(elt, shop: Path) -> None:
    """Before anything runs."""
    expose(shop, "6 o'clock".replace("'", "''"), ", timezone: Mars/Olympus")
    elt("run", project=shop).refuses("exposures.yml", "'meta.elt.deadline' is '6 o'clock'", "'meta.elt.timezone'")


def test_the_deadline_of_an_exposure_is_part_of_a_run(elt, shop: Path) -> None:
    """A deadline that is far away changes nothing."""
    expose(shop, f"{datetime.now(UTC) - timedelta(hours=1):%H:%M}")
    said = elt("run", project=shop)
    assert said.code == 0
    assert "late" not in said.out
