"""Who drives a run, and whether that process is still there."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil

from orchestrator.execution.liveness import lives, this_process

NOW = datetime.now(UTC)


def test_this_process_is_alive() -> None:
    """It is found by what is recorded of it."""
    assert lives(this_process(), NOW)


def test_a_process_that_ended_is_gone() -> None:
    """Its pid is nobody's."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not lives(replace(this_process(), pid=child.pid), NOW)


def test_a_zombie_process_counts_as_dead() -> None:
    """The pid is still taken, as in a container whose first process asks after none of its children."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = datetime.fromtimestamp(psutil.Process(child.pid).create_time(), UTC)
    recorded = replace(this_process(), pid=child.pid, started_at=started)
    assert lives(recorded, NOW)
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not lives(recorded, NOW)
    child.communicate()


def test_another_process_with_its_pid_is_another() -> None:
    """It began after the last sign of life."""
    own = this_process()
    began = own.started_at
    assert began is not None
    assert not lives(replace(own, started_at=began - timedelta(days=1)), began - timedelta(hours=1))


def test_a_clock_change_does_not_make_a_process_look_like_another() -> None:
    """The start of a process, as the machine tells it, moves with the clock; its signs of life go on."""
    own = this_process()
    began = own.started_at
    assert began is not None
    for moved in (timedelta(hours=1), timedelta(hours=-1)):
        assert lives(replace(own, started_at=began + moved), began + timedelta(seconds=3))
