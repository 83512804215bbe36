"""Runs the call of a step in a child process, on request of the owner. What it prints goes to the log of the step."""

import asyncio
import importlib
import inspect
import os
import subprocess
import sys
import traceback
from dataclasses import asdict
from typing import Any

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.own_steps.call_result import CallResult

_MAY_PASS = os.EX_TEMPFAIL
"""The exit code by which a command says that another attempt may succeed."""


def warm(_further: bool) -> None:  # noqa: FBT001  # as ChildSide says
    """Import nothing: each kind of call imports what it needs."""


def answer(request: dict[str, Any], _owner: Channel, _warehouse: Channel | None) -> dict[str, object]:
    """Return how the call ended."""
    os.chdir(request["root"])
    os.environ.update(request["environment"])
    call = request["call"]
    match request["kind"]:
        case "CommandCall":
            result = _command(call["words"])
        case "PythonCall":
            result = _function(call["module"], call["function"], request["root"])
        case _:
            from orchestrator.adapters.own_steps.http_call import call_http

            result = call_http(call, _say)
    return asdict(result)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _command(words: list[str]) -> CallResult:
    try:
        # In the process group of this child, so that all of it ends with the step.
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    except OSError as error:
        return CallResult(error=f"{words[0]} cannot be started: {error.strerror or error}")
    code = process.wait()
    return CallResult(code=code, may_pass=code == _MAY_PASS, message="exit code 0" if code == 0 else "")


def _function(module: str, function: str, root: str) -> CallResult:
    sys.path.insert(0, root)
    try:
        found = importlib.import_module(module)
        result = getattr(found, function)()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except SystemExit as error:
        if error.code not in (None, 0):
            return CallResult(error=f"{module}:{function} ended with {error.code}")
    except BaseException as error:  # noqa: BLE001  # whatever the function raises is the error of the step
        traceback.print_exc()
        return CallResult(error=_told(error), may_pass=_may_pass(error))
    return CallResult(message=f"{module}:{function} returned")


def _told(error: BaseException) -> str:
    where = next((one for one in reversed(traceback.extract_tb(error.__traceback__)) if one.filename != __file__), None)
    place = "" if where is None or where.filename.startswith("<") else f" ({where.filename}:{where.lineno})"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text + place


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ConnectionError | TimeoutError)
