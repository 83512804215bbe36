"""`elt adopt` on the command line: what it prints, its JSON, and its exit codes."""

import json
import os
import shutil

import pytest

from tests.agreement.sides import dbt
from tests.functional.reuse.quay import DATABASE, ask, ended_at, keep_artifacts, write_quay

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project after a plain `dbt build`."""
    root = write_quay(tmp_path_factory.mktemp("quay"))
    assert dbt(root, "build", "--profiles-dir", str(root)).exit_code == 0
    keep_artifacts(root)
    return root


@pytest.fixture
def quay(built, tmp_path):
    """A copy of it, with the times of its files."""
    return shutil.copytree(built, tmp_path / "quay", copy_function=shutil.copy2)


def test_adopt_reports_what_was_not_adopted_and_why(elt, quay):
    """A dry run first, which says so; then the counts, and the run as `elt history` shows it."""
    said = elt("adopt", "--state", quay / "built", "--dry-run", project=quay)
    assert said.code == 0
    assert "to be compared seed ports: equal to what its file holds now" in said.out
    assert "Nothing was written" in said.out
    assert elt("history", project=quay).out == "No run is recorded.\n"
    said = elt("adopt", "--state", quay / "built", project=quay)
    assert said.code == 0
    assert said.out.splitlines()[:3] == [
        "not adopted    model clock: volatile: now()",
        "8 nodes: 7 adopted, 1 not adopted",
        "2 checks: 2 adopted",
    ]
    run_id = said.out.split("Recorded as run ")[1].split()[0]
    assert f"{run_id}" in elt("history", project=quay).out
    assert "adopted from dbt's invocation" in elt("show", project=quay).out
    assert '"verb":"adopt"' in elt("history", "--json", project=quay).out


def test_it_is_reported_to_programs_too(elt, quay):
    """One document, and exit code 1 if nothing could be adopted; the selection is dbt's."""
    os.utime(quay / DATABASE, (ended_at(quay) + 60, ended_at(quay) + 60))
    said = elt("adopt", "--state", quay / "built", "--json", "--select", "berths", project=quay)
    found = json.loads(said.out)
    assert (said.code, found["run_id"], found["dry_run"]) == (1, None, False)
    assert found["counts"] == {"adopt": 0, "compare": 0, "known": 0, "refuse": 3}
    [berths] = [node for node in found["nodes"] if node["id"] == "model.quay.berths"]
    assert (berths["act"], berths["reason"]) == ("refuse", "its parent stg_boats is not adopted")


def test_unusable_input_is_refused(elt, quay, monkeypatch):
    """A folder that is missing or belongs to something else, a selection of nothing, flags that limit a build."""
    elt("adopt", "--state", quay / "nowhere", project=quay).refuses("does not exist")
    elt("adopt", "--state", quay / "models", project=quay).refuses("manifest.json")
    elt("adopt", "--state", quay / "built", "--select", "nothing_like_this", project=quay).refuses("nothing_like_this")
    assert elt("adopt", project=quay).code == 2
    monkeypatch.setenv("DBT_EMPTY", "1")
    elt("adopt", "--state", quay / "built", project=quay).refuses("DBT_EMPTY")
    assert ask(quay, "select 1 from duckdb_schemas() where schema_name = '_elt'") == []


def test_the_next_run_repeats_nothing_of_it(elt, quay):
    """`elt retry` and `elt resume` name the adoption; a later run can be repeated again."""
    assert elt("adopt", "--state", quay / "built", project=quay).code == 0
    elt("retry", project=quay).refuses("was `elt adopt`, which cannot be repeated")
    elt("resume", project=quay).refuses("was `elt adopt`, which cannot be repeated")
