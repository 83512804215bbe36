"""Runs a warm interpreter: imports a tool once, and forks a process for every child.

Started by the path of this file, as `python forking.py <control socket> <module of the child's side> <distributions>`:
the interpreter may belong to an environment without elt. It runs none of the user's code and starts no thread, so
forking is always safe. It exits when the process that started it exits, and ends its children then.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib.metadata
import importlib.util
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

if TYPE_CHECKING:
    from orchestrator.adapters.children.wire import Channel

OLDEST = (3, 11)
PR_SET_PDEATHSIG = 1


class ChildSide(Protocol):
    """What the module of a tool defines; only the child's interpreter imports it."""

    warm: Callable[[bool], None]
    """Imports the tool, and with True also what only some requests need."""
    answer: Callable[[Mapping[str, Any], Channel, Channel | None], Mapping[str, object]]
    """Answers one request. The channels lead to the owner, and to the warehouse."""


def main(control: socket.socket, side_name: str, distributions: Iterable[str]) -> None:
    """Describe this interpreter, then fork a child for each set of ends that arrives, until the owner has exited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner handles Ctrl-C
    control.sendall(json.dumps(_facts(distributions)).encode() + b"\n")
    if sys.version_info < OLDEST:
        return
    from orchestrator.adapters.children.wire import Channel

    side: ChildSide = importlib.import_module(side_name)
    host = os.getpid()
    alive: dict[int, Channel] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _reap(alive))
    side.warm(False)  # noqa: FBT003  # see ChildSide
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy the pages of everything imported
    while True:
        data, ends = _next(control)
        # The owner has closed its end, or has died.
        if not data:
            break
        if data == b"t":
            side.warm(True)  # noqa: FBT003  # see ChildSide
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # until it is recorded, it must not be reaped
        pid = os.fork()
        if pid == 0:
            control.close()
            for other in alive.values():
                other.close()
            _serve(side, host, ends)
        alive[pid] = Channel(ends[0])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for end in ends[1:]:
            os.close(end)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for pid in alive:  # each child leads a group with everything that it started
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _next(control: socket.socket) -> tuple[bytes, list[int]]:
    try:
        return socket.recv_fds(control, 1, 3)[:2]
    except OSError:  # the owner died before it had read everything
        return b"", []


def _facts(distributions: Iterable[str]) -> dict[str, object]:
    versions = {}
    for name in distributions:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    has_pip = importlib.util.find_spec("pip") is not None
    return {"python": sys.version_info[:3], "prefix": sys.prefix, "versions": versions, "has_pip": has_pip}


def _reap(alive: dict[int, Channel]) -> None:
    """Report to the owner how each child ended, through the channel of that child."""
    with contextlib.suppress(ChildProcessError):
        # One signal may stand for several children that ended.
        while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
            channel = alive.pop(found[0], None)
            if channel is not None:
                with contextlib.suppress(OSError):
                    channel.send({"exit": os.waitstatus_to_exitcode(found[1])})
                channel.close()


def _serve(side: ChildSide, host: int, ends: list[int]) -> NoReturn:
    """Answer requests until the owner closes the channel; all printed output goes to the owner."""
    code = 1
    try:
        from orchestrator.adapters.children.wire import Channel

        _settle_in(host)
        _redirect(ends[1])
        channel = Channel(ends[0])
        warehouse = Channel(ends[2]) if len(ends) > 2 else None
        channel.send({"pid": os.getpid()})
        while (request := _received(channel)) is not None:
            answer = _answer(side, request, channel, warehouse)
            sys.stdout.flush()  # the owner may end this process as soon as it has the answer
            channel.send(answer)
        code = 0
    except BaseException:  # noqa: BLE001  # no exception may reach the interpreter's loop
        traceback.print_exc()
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    # A fork must not run the exit handlers that it inherited.
    os._exit(code)


def _answer(
    side: ChildSide, request: Mapping[str, Any], channel: Channel, warehouse: Channel | None
) -> Mapping[str, object]:
    from orchestrator.adapters.children.own_bug import described, is_bug_of_elt

    try:
        return side.answer(request, channel, warehouse)
    except Exception as error:
        if not is_bug_of_elt(error):
            raise
        traceback.print_exc()
        return described(error)


def _received(channel: Channel) -> Mapping[str, Any] | None:
    try:
        return channel.receive()
    except (EOFError, OSError):  # the owner has closed its end, or has died
        return None


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


def _use_own_package() -> None:
    """Make the package of elt importable, without any other package of the environment that it is installed in."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # this runs in any version of Python
    sys.path[:] = [path for path in sys.path if path != here]
    folder = os.path.dirname(os.path.dirname(here))  # noqa: PTH120
    start = os.path.join(folder, "__init__.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location("orchestrator", start, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is not the package of elt")
    sys.modules["orchestrator"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["orchestrator"])


if "orchestrator" not in sys.modules:  # also in a process that the user's code spawns from this one
    _use_own_package()
if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], filter(None, sys.argv[3].split(",")))
    os._exit(0)  # skips the interpreter's cleanup, which the owner would wait for
