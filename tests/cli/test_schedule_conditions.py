"""A schedule with conditions: its times wait, and are recorded as run, skipped or failed."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

PROFILES = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
ELT_YML = """
schedules:
  ingest: {cron: "0 1 * * *", catchup: all}
  nightly:
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    catchup: all
    wait_for:
      - {file: "in/orders_{interval_end:%Y-%m-%d}.csv", within: 0s, otherwise: skip}
  after:
    cron: "30 1 * * *"
    catchup: all
    wait_for: {schedule: ingest, within: 0s}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/orders.sql").write_text("select 1 as id")
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    (tmp_path / "elt.yml").write_text(ELT_YML)
    return tmp_path


def test_the_time_of_a_schedule_waits_for_its_file(elt, shop):
    """The date in the name is that of the schedule's zone; a time that is skipped says why, and stays skipped."""
    at = "2026-11-29T02:00"
    skipped = elt("schedule", "run", "nightly", "--time", at, project=shop)
    assert skipped.code == 0, skipped.err
    assert "is skipped: The condition did not come true within 0 s: file in/orders_2026-11-29.csv" in skipped.err
    (shop / "in").mkdir()
    (shop / "in/orders_2026-11-29.csv").touch()
    assert "is skipped" in elt("schedule", "run", "nightly", "--time", at, project=shop).err
    (shop / "in/orders_2026-11-28.csv").touch()
    elt("schedule", "run", "nightly", "--time", "2026-11-28T02:00", project=shop).reports(
        "note file in/orders_2026-11-28.csv: it is there", "success in", code=0
    )


def test_a_schedule_waits_for_another(elt, shop):
    """Its last time at or before our own must have succeeded; a wait that fails is the end of that time."""
    refused = elt("schedule", "run", "after", "--time", "2026-11-28T01:30+00:00", project=shop)
    refused.refuses("schedule ingest to succeed: its time of 2026-11-28 01:00 UTC has not run yet", code=1)
    assert elt("schedule", "run", "ingest", "--time", "2026-11-27T01:00+00:00", project=shop).code == 0
    elt("schedule", "run", "after", "--time", "2026-11-27T01:30+00:00", project=shop).reports(
        "its time of 2026-11-27 01:00 UTC succeeded", "success in", code=0
    )


def test_a_plan_of_a_schedule_shows_its_conditions(elt, shop):
    """With the dates of the run that is planned; nothing is asked."""
    coming = json.loads(elt("schedule", "next", "nightly", "-n", "1", "--json", project=shop).out)[0]["local_time"]
    file = f"file in/orders_{coming[:10]}.csv"
    line = f"waits for: {file}, asked once, then skip"
    elt("plan", "--schedule", "nightly", project=shop).reports(line, code=0)
    shown = json.loads(elt("plan", "--schedule", "nightly", "--json", project=shop).out)
    assert shown["schedule"]["wait_for"] == [
        {
            "condition": file,
            "every_seconds": 60.0,
            "within_seconds": 0.0,
            "otherwise": "skip",
        }
    ]
