"""`dbt-ol send-events` makes lineage of what elt left, and the events tell what happened."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from built import Built, command

Events = dict[str, dict[str, Mapping[str, Any]]]


def _sent(built: Built, folder: Path) -> Events:
    """Send the events of a run into a file; give them by node and type."""
    log = folder / "events.jsonl"
    transport = {"TYPE": "file", "LOG_FILE_PATH": str(log), "APPEND": "true"}
    variables = {f"OPENLINEAGE__TRANSPORT__{name}": value for name, value in transport.items()}
    done = command(built.folder, "dbt-ol", "send-events", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    found: Events = {}
    for line in log.read_text().splitlines():
        event = json.loads(line)
        node = event["job"]["facets"].get("dbt_node", {}).get("unique_id", "")
        kind = event["job"]["facets"]["jobType"]["jobType"]
        found.setdefault(f"{kind} {node}", {})[event["eventType"]] = event
    return found


@pytest.fixture(scope="module")
def sound_events(sound: Built, tmp_path_factory: pytest.TempPathFactory) -> Events:
    """What is sent of the sound project."""
    return _sent(sound, tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def broken_events(broken: Built, tmp_path_factory: pytest.TempPathFactory) -> Events:
    """What is sent of the broken project, without what openlineage does not know, whoever wrote it."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(broken.folder, folder / "project")
    copy = Built(folder=folder / "project", exit_code=broken.exit_code, events=broken.events)
    results = copy.document("run_results")
    results["results"] = [one for one in results["results"] if one["status"] != "partial success"]
    (copy.target / "run_results.json").write_text(json.dumps(results))
    return _sent(copy, folder)


def _built(events: Events) -> dict[str, str]:
    """Give how the run of each model and snapshot ended."""
    return {
        name.partition(" ")[2]: next(kind for kind in of_node if kind != "START")
        for name, of_node in events.items()
        if name.startswith(("MODEL ", "SNAPSHOT "))
    }


def _expected(built: Built) -> dict[str, str]:
    ends = {"success": "COMPLETE", "error": "FAIL"}
    results = {record["unique_id"] for record in built.document("run_results")["results"]}
    return {
        node: ends[word]
        for node, word in built.words().items()
        if node in results and node.startswith(("model.", "snapshot.")) and word in ends
    }


def test_each_build_ended_as_it_did(sound: Built, sound_events: Events, broken: Built, broken_events: Events) -> None:
    """Models and snapshots complete or fail as they did; what was skipped has no event."""
    assert _built(sound_events) == _expected(sound)
    assert _built(broken_events) == _expected(broken)
    assert set(_built(broken_events).values()) == {"COMPLETE", "FAIL"}


def test_lineage_is_that_of_the_project(sound_events: Events) -> None:
    """An event names what was read and what was written, with the columns of the catalogue."""
    event = sound_events["MODEL model.everything.stg_events"]["COMPLETE"]
    assert [read["name"] for read in event["inputs"]] == ["warehouse.raw.events"]
    (written,) = event["outputs"]
    assert written["name"] == "warehouse.main.stg_events"
    assert [field["name"] for field in written["facets"]["schema"]["fields"]] == ["event_id", "happened_at"]


def test_times_and_invocation_are_those_of_the_run(sound: Built, sound_events: Events) -> None:
    """Events carry the times of the node's own timing, and the id of the invocation."""
    run = sound.document("run_results")
    record = next(one for one in run["results"] if one["unique_id"] == "model.everything.stg_events")
    of_node = sound_events["MODEL model.everything.stg_events"]
    executed = next(one for one in record["timing"] if one["name"] == "execute")
    assert of_node["START"]["eventTime"] == executed["started_at"]
    assert of_node["COMPLETE"]["eventTime"] == executed["completed_at"]
    assert of_node["COMPLETE"]["run"]["facets"]["dbt_run"]["invocation_id"] == run["metadata"]["invocation_id"]


def test_checks_have_the_same_results(broken: Built, broken_events: Events) -> None:
    """Each generic data test is an assertion about what it checks, true only if it passed."""
    words = {node.split(".")[2]: word for node, word in broken.words().items() if node.startswith("test.")}
    said = {
        one["name"]: one["success"]
        for name, of_node in broken_events.items()
        if name.startswith("TEST ")
        for read in next(iter(of_node.values()))["inputs"]
        for one in read.get("inputFacets", {}).get("dataQualityAssertions", {}).get("assertions", [])
    }
    assert len(said) > 10
    assert said == {name: words[name] == "pass" for name in said}
    assert set(said.values()) == {True, False}
