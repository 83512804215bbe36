"""Answers one request in a forked process: lists what a module defines, or loads."""

import ctypes
import faulthandler
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from orchestrator.adapters.dlt import bridge, wire
from orchestrator.adapters.probe import require_attributes
from orchestrator.errors import UnsupportedVersionError
from orchestrator.execution.outcome import ErrorClass

PR_SET_PDEATHSIG = 1
VERBS = {"list": "listing", "load": "loading"}
"""The module in this package whose `answer` handles the verb. Only the child imports it, because it imports dlt."""

Answer = Callable[[dict[str, Any], Connection, Connection | None], dict[str, object]]


def serve(host: int, answers_end: int, output_end: int, sql_end: int | None) -> NoReturn:
    """Answer the one request that arrives, and exit; all printed output goes to `output_end`."""
    code = 1
    try:
        _settle_in(host)
        _redirect(output_end)
        answers = Connection(answers_end)
        wire.send(answers, {"pid": os.getpid()})
        request = wire.receive(answers)
        os.chdir(request["project_root"])
        wire.send(answers, answer_of(request, answers, Connection(sql_end) if sql_end is not None else None))
        code = 0
    except BaseException:  # noqa: BLE001  # no exception may reach the host's loop
        traceback.print_exc()
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    # A fork must not run the exit handlers that it inherited from the host.
    os._exit(code)


def answer_of(request: dict[str, Any], answers: Connection, sql: Connection | None) -> dict[str, object]:
    """Return the answer to a request, or an error if the installed dlt lacks what elt needs of it."""
    try:
        require_attributes((*bridge.NEEDED, *bridge.NEEDED_ON.get(request.get("kind", ""), ())), "dlt", "pyarrow")
    except UnsupportedVersionError as error:
        return {"error": error.message, "hint": error.hint, "class": ErrorClass.PERMANENT}
    module = importlib.import_module(f"orchestrator.adapters.dlt.{VERBS[request['verb']]}")
    answer: Answer = module.answer
    return answer(request, answers, sql)


def _settle_in(host: int) -> None:
    os.setsid()  # own process group, so that everything that the user's code starts can be killed
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != host:
            os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _redirect(end: int) -> None:
    """Send what the user's code prints to the owner of the run, which masks secrets and owns the terminal."""
    os.dup2(end, 1)
    os.dup2(end, 2)
    os.close(end)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    faulthandler.enable(file=2)
