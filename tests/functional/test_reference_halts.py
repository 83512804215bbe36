"""What is broken on purpose halts what descends from it, and the run names the cause."""

import json

import pytest

from tests.functional.reference import ReferenceProject, copy_of_reference_project

pytestmark = pytest.mark.functional

STAGED_KEY = "test.elt_demo.not_null_stg_flights_flight_id"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ReferenceProject:
    """The reference project after a green run of its marts, from its root folder."""
    project = copy_of_reference_project(tmp_path_factory.mktemp("reference"))
    run = project.run("--select", "marts")
    assert run.exit_code == 0, run.errors
    return project


def blamed(run_ended: dict[str, dict], name: str) -> str:
    """Give the step that is to blame for the skip of a node."""
    (event,) = (event for event in run_ended.values() if event["name"] == name and event["kind"] != "suite")
    assert event["status"] == "skipped", event
    return event["blame"]


def test_a_null_in_a_staged_key_halts_what_descends_from_it(project: ReferenceProject) -> None:
    """The failing test halts every mart of flights; weather and airports go on; the key's test is named."""
    project.change("update raw_bts.flights set day = null where flight = 1545 and time_hour = '2013-01-01 10:00:00+00'")
    run = project.run("--select", "marts", "--no-ingest", "--no-freshness")
    project.change("update raw_bts.flights set day = 1 where day is null")

    ended = run.ended()
    assert run.exit_code == 1
    assert run.of_status("fail", "error") == {step for step in ended if step.startswith(STAGED_KEY)} != set()
    assert blamed(ended, "fct_flights").startswith(STAGED_KEY)
    assert blamed(ended, "carrier_daily_performance").startswith(STAGED_KEY)
    assert {"model.elt_demo.stg_weather", "model.elt_demo.stg_airports"} <= run.of_status("success", "reused")


def test_a_stale_source_closes_its_gate(project: ReferenceProject) -> None:
    """Weather loaded 60 days ago halts the mart that reads it, and no other."""
    age = "update raw_weather._dlt_loads set inserted_at = inserted_at {} interval 60 day"
    project.change(age.format("-"))
    run = project.run("--select", "weather_delays", "aircraft_use", "--no-ingest", "--no-tests")
    project.change(age.format("+"))

    gate = "freshness.source.elt_demo.noaa.weather"
    assert run.exit_code == 1
    assert run.of_status("fail", "error") == {gate}
    assert "old" in run.ended()[gate]["message"]
    assert blamed(run.ended(), "weather_delays") == gate
    assert "model.elt_demo.aircraft_use" in run.of_status("success")


def test_a_broken_expectation_closes_its_gate(project: ReferenceProject) -> None:
    """A suite on a raw table that says no halts what reads the table; its message names the expectation."""
    suite = project.root / "expectations" / "bts.flights.json"
    sound = suite.read_text()
    broken = json.loads(sound)
    (rows,) = (e for e in broken["expectations"] if e["type"] == "expect_table_row_count_to_be_between")
    rows["kwargs"]["max_value"] = 100
    rows["kwargs"]["min_value"] = 1
    suite.write_text(json.dumps(broken))
    run = project.run("--select", "route_performance", "--no-ingest", "--no-freshness")
    suite.write_text(sound)

    assert run.exit_code == 1
    assert run.of_status("fail", "error") == {"expectation.bts.flights"}
    assert "expect_table_row_count_to_be_between" in run.ended()["expectation.bts.flights"]["message"]
    assert blamed(run.ended(), "route_performance") == "expectation.bts.flights"


def test_a_failing_source_halts_its_descendants(project: ReferenceProject) -> None:
    """A resource that raises is an error of its load alone; the other providers load and build."""
    module = project.root / "ingestion" / "noaa.py"
    sound = module.read_text()
    module.write_text(sound.replace("    yield ", "    raise RuntimeError('the station is silent')\n    yield "))
    run = project.run("--select", "weather_delays", "dim_airports", "--no-tests", "--no-freshness")
    module.write_text(sound)

    assert run.exit_code == 1
    assert run.of_status("fail", "error") == {"ingest.elt_noaa"}
    assert "the station is silent" in run.ended()["ingest.elt_noaa"]["message"]
    assert blamed(run.ended(), "weather_delays") == "ingest.elt_noaa"
    assert "model.elt_demo.dim_airports" in run.of_status("success")
