"""The process that children are forked from, where it is no Python that answers."""

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
