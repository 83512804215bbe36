"""Runs the warm interpreter: imports dlt once, and forks a process for every request.

It runs none of the user's code and has only one thread, so forking is always safe. It exits when the process that
started it exits, and terminates its children then.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence

WARM = ("dlt", "dlt.destinations.impl.duckdb.duck", "dlt.common.libs.pyarrow", "pyarrow.parquet", "sqlalchemy")
WARM_FOR_TABLES = ("pandas",)  # pyarrow imports it, if installed, when it creates a table of rows


def main(control: socket.socket) -> None:
    """Fork a child for each set of pipe ends that arrives, until the owner has exited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _reap)
    _warm(WARM)
    from orchestrator.adapters.dlt import child

    host = os.getpid()
    while True:
        data, ends, _, _ = socket.recv_fds(control, 1, 3)
        # The owner has closed its end, or has died.
        if not data:
            break
        if data == b"t":
            _warm(WARM_FOR_TABLES)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # until its pid is recorded, it must not be reaped
        pid = os.fork()
        if pid == 0:
            control.close()
            child.serve(host, ends[0], ends[1], ends[2] if len(ends) > 2 else None)
        _alive.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for end in ends:
            os.close(end)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for pid in _alive:  # each child leads a group with everything that it started
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


_alive: set[int] = set()


def _warm(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        # One signal may stand for several children that ended.
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            _alive.discard(pid)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # skips the interpreter's cleanup, which the owner would wait for
