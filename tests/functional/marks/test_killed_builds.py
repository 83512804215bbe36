"""Builds whose process dies at their commit: what the target says of them is believed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.marks.till import builds, rows, write_till

pytestmark = [pytest.mark.functional, pytest.mark.slow]
NODES = (
    *("coins", "a_view", "b_table", "c_log", "d_beside", "f_python_log"),
    *("g_hooked", "h_file", "i_own", "j_days", "k_kept"),
)
VICTIMS = Path(__file__).with_name("victims.py")


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that died after every commit, and once before one, and went on each time."""
    project = write_till(tmp_path_factory.mktemp("till"))
    points = ["before:c_log", *(f"after:{node}" for node in NODES)]
    done = subprocess.run(
        [sys.executable, str(VICTIMS), str(project), *points], capture_output=True, text=True, check=True
    )
    ended = json.loads(done.stdout.splitlines()[-1])
    assert ended["code"] == 0, done.stdout[-2000:]
    assert sorted(ended["died"]) == sorted(points)
    (project / "said").write_text(done.stdout)
    return project


def test_a_committed_build_is_not_repeated(till: Path) -> None:
    """A view, a table, a seed, a snapshot, and what appends, also in Python, or in an attached database: once each."""
    settled = {name: [(1, True)] for name in ("coins", "a_view", "b_table", "f_python_log", "k_kept")}
    found = builds(till)
    assert {name: found[name] for name in settled} == settled
    assert builds(till, database="beside") == {"d_beside": [(1, True)]}
    said = (till / "said").read_text()
    assert said.count("built before the run was cut off") == len(settled) + len({"c_log", "d_beside"})
    assert rows(till, "select one from f_python_log") == [(1,)]
    assert rows(till, "select one from d_beside", database="beside") == [(1,)]


def test_an_uncommitted_build_is_repeated(till: Path) -> None:
    """The first try left nothing, the second is the one whose marker stands; the rows are there once."""
    assert builds(till)["c_log"] == [(2, True)]
    assert rows(till, "select one from c_log") == [(1,)]


def test_work_done_partly_outside_the_transaction_is_repeated(till: Path) -> None:
    """A hook after the commit, a file, a materialization of the project's own; a batch that was done is not."""
    found = builds(till)
    again = ("g_hooked", "h_file", "i_own")
    assert [found[name] for name in again] == [[(1, False), (2, False)]] * len(again)
    assert found["j_days"] == [(1, False)]
    assert rows(till, "select count(*) from j_days") == [(1,)]


def test_dbts_artifacts_do_not_mention_markers(till: Path) -> None:
    """Neither the manifest, nor the results, nor the compiled code; all nodes are successes in the results."""
    texts = [
        path.read_text() for path in (till / "target").rglob("*") if path.suffix in {".json", ".sql", ".py", ".csv"}
    ]
    assert not [text for text in texts if "_elt" in text]
    results = json.loads((till / "target/run_results.json").read_text())["results"]
    assert {result["unique_id"].rpartition(".")[2]: result["status"] for result in results} == {
        **dict.fromkeys(NODES, "success"),
        "e_python": "success",
    }
