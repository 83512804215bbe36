"""An interrupted load ends at once, with all its processes, and so does one whose owner was killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from orchestrator.plan.status import Status

pytestmark = pytest.mark.functional

SLOW = """
    import os, signal, subprocess, sys, time
    import dlt

    @dlt.resource
    def shop():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open("started", "w") as pipe:
            pipe.write(f"{os.getpid()} {helper.pid}\\n")
        time.sleep(600)
        yield {"id": 1}
"""
OWNER = """
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from tests.functional.dlt.ingest_project import Project
from orchestrator.adapters.dlt.host import IngestionHost
Project(root=Path({root!r}), host=IngestionHost()).load()
"""


@pytest.fixture
def slow(project):
    project.write("ingestion/shop.py", SLOW)
    os.mkfifo(project.root / "started")
    return project


def started(project):
    """Wait until the load runs, and give its processes."""
    return [psutil.Process(int(pid)) for pid in (project.root / "started").read_text().split()]


def test_an_interrupted_load_is_cancelled_with_all_its_processes(slow):
    """`interrupt()` ends the child and what it started, even when it ignores SIGTERM; the outcome is cancelled."""
    runner, outcomes, stop = slow.runner(), [], threading.Event()
    thread = threading.Thread(target=lambda: outcomes.append(slow.load(runner=runner, stop=stop)))
    thread.start()
    processes = started(slow)
    runner.interrupt({"ingest.of_another"})
    stop.set()
    runner.interrupt({"ingest.elt_shop"})
    thread.join()
    assert [outcome.status for outcome in outcomes] == [Status.CANCELLED]
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


def test_a_load_that_was_stopped_before_it_began_starts_nothing(slow):
    """A step that arrives after its stop is cancelled without a process."""
    stop = threading.Event()
    stop.set()
    assert slow.load(stop=stop).status is Status.CANCELLED


def test_a_load_ends_when_its_owner_is_killed(slow):
    """kill -9 of the owner leaves no loading process behind, nor what it started."""
    script = OWNER.format(repository=str(Path(__file__).parents[3]), root=str(slow.root))
    owner = subprocess.Popen([sys.executable, "-c", script])
    processes = started(slow)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
