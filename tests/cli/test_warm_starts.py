"""What the other tests start without its imports is a process as a user's."""

import json
import os
import signal
import subprocess

import pytest

from tests.cli.conftest import ended, start
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional
SHOWN = "{{ config(materialized='table') }} select '{{ env_var('SHOWN') }}' as shown, {{ range(100000) | random }} as n"


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, {"models/shown.sql": SHOWN})


def test_two_starts_are_two_invocations(shop):
    """Each has an id of dbt's, variables and random numbers of its own."""
    found = []
    for shown in ("one", "two"):
        said = ended(start("run", "--select", "shown", project=shop, env={"SHOWN": shown}))
        said.reports("1 success", code=0)
        results = json.loads((shop / "target/run_results.json").read_text())
        compiled = results["results"][0]["compiled_code"]
        assert f"'{shown}'" in compiled
        found.append((results["metadata"]["invocation_id"], compiled.rpartition(",")[2]))
    (first_id, first_number), (second_id, second_number) = found
    assert first_id != second_id
    assert first_number != second_number


def test_a_warm_start_in_a_folder_returns_its_exit_code(shop, tmp_path):
    """The folder is the one it is started in; what it says goes where it is asked for."""
    said = ended(start("ls", "--select", "stg_orders", cwd=shop, env={"SHOWN": "x"}))
    assert (said.code, said.err) == (0, "")
    assert "shop.staging.stg_orders" in said.out
    assert ended(start("ls", cwd=tmp_path / "models")).code == 2
    with (tmp_path / "said").open("w") as file:
        assert start("--version", stdout=file.fileno()).wait(60) == 0
    assert "elt" in (tmp_path / "said").read_text()


def test_a_signal_ends_a_warm_start_as_it_ends_a_process(shop):
    """The exit code of one that was killed is the negative number; it lives until then, and is no zombie after."""
    with start("run", project=shop, env={"SHOWN": "x"}) as run:
        assert run.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(0)
        run.send_signal(signal.SIGKILL)
        assert run.wait(60) == -signal.SIGKILL
        with pytest.raises(ProcessLookupError):
            os.kill(run.pid, 0)
