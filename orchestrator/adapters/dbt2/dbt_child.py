"""Runs one call of dbt 2.x below a small child process, which leads a process group and dies with its owner."""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

from orchestrator.adapters.children.forking import PR_SET_PDEATHSIG
from orchestrator.adapters.children.wire import Channel


def warm(_further: bool) -> None:  # noqa: FBT001  # as ChildSide says
    """Import nothing."""


def answer(request: dict[str, Any], _owner: Channel, _warehouse: Channel | None) -> dict[str, object]:
    """Run the words of the request, and return the exit code, or why they cannot be started."""
    words: list[str] = request["words"]
    try:
        process = subprocess.Popen(  # in the process group of this child, so that all of it ends together
            words,
            cwd=request["folder"],
            env={**os.environ, **request["environment"]},
            stdin=subprocess.DEVNULL,
            preexec_fn=_settle_in,  # noqa: PLW1509  # this process has one thread
        )
    except OSError as error:
        return {"error": f"{words[0]} cannot be started: {error.strerror or error}"}
    return {"code": process.wait()}


def _settle_in() -> None:
    """Heed Ctrl-C, which this child ignores, and end with this child, whatever ends it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
