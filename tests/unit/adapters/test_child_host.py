"""The process that children are forked from, where it is no Python that answers."""

import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from orchestrator.adapters.children.child_host import ChildHost
from orchestrator.adapters.children.child_process import ChildEndedError


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """An interpreter that says nothing, and starts another process."""
    script = tmp_path / "silent"
    script.write_text("#!/bin/sh\nsleep 300 &\nwait\n")
    script.chmod(0o755)
    return script


def test_a_host_can_be_closed_while_another_thread_waits_for_its_interpreter(silent: Path) -> None:
    """Nothing of it is left, also not what the script started."""
    host, refused = ChildHost("orchestrator.adapters.dlt.dlt_child", ("dlt",), python=str(silent)), []

    def ask() -> None:
        try:
            host.facts()
        except ChildEndedError as error:
            refused.append(error)

    host.start()
    asking = threading.Thread(target=ask)
    asking.start()
    own = psutil.Process()
    while not (started := [one for one in own.children(recursive=True) if "300" in one.cmdline()]):
        pass
    host.close()
    asking.join(30)
    assert not asking.is_alive()
    assert refused
    gone, alive = psutil.wait_procs(started, timeout=30)
    assert gone
    assert not alive


OWNER = """
import sys, time
from orchestrator.adapters.children.child_host import ChildHost
ChildHost("orchestrator.adapters.dlt.dlt_child", ("dlt",), python=sys.argv[1]).start()
time.sleep(300)
"""


def test_an_interpreter_that_says_nothing_does_not_outlive_a_killed_owner(silent: Path) -> None:
    """It does not notice the end of its owner itself; what it started ends too, and nothing watches it any more."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(silent)])
    own = psutil.Process(owner.pid)
    while not any("300" in one.cmdline() for one in own.children(recursive=True)):
        pass
    started = own.children(recursive=True)
    owner.kill()
    owner.wait()
    gone, alive = psutil.wait_procs(started, timeout=30)
    assert len(gone) == 3  # the script, what it started, and the watcher
    assert not alive


def test_a_closed_host_leaves_no_watcher(silent: Path) -> None:
    """Also one whose interpreter never answered."""
    host = ChildHost("orchestrator.adapters.dlt.dlt_child", ("dlt",), python=str(silent))
    before = set(psutil.Process().children())
    host.start()
    assert len(set(psutil.Process().children()) - before) == 2
    host.close()
    assert set(psutil.Process().children()) <= before
