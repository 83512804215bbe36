"""The warm interpreter: imports dlt once and forks a process for every request.

It runs none of the user's code and stays on one thread, so that a fork is always safe. It ends when the process
that started it does; its children end with it.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence

WARM = ("dlt", "dlt.destinations.impl.duckdb.duck", "dlt.common.libs.pyarrow", "pyarrow.parquet", "sqlalchemy")
WARM_FOR_TABLES = ("pandas",)  # pyarrow imports it, where it is installed, when it makes a table of rows


def main(control: socket.socket) -> None:
    """Fork a child for the ends of pipes that arrive together, until the owner has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _reap)
    _warm(WARM)
    from orchestrator.adapters.dlt import child

    host = os.getpid()
    while True:
        data, ends, _, _ = socket.recv_fds(control, 1, 3)
        if not data:
            break
        if data == b"t":
            _warm(WARM_FOR_TABLES)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # until the child is noted, it must not be reaped
        pid = os.fork()
        if pid == 0:
            control.close()
            child.serve(host, ends[0], ends[1], ends[2] if len(ends) > 2 else None)
        _alive.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for end in ends:
            os.close(end)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for pid in _alive:  # with whatever they started: each leads a group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


_alive: set[int] = set()


def _warm(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            _alive.discard(pid)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # the interpreter's tidying would make the owner wait for nothing
