"""The process from which the children of runs are forked: it has imported what dlt and great-expectations need."""

import fcntl
import gc
import json
import logging
import os
import random
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from runpy import run_module, run_path

MOST_BYTES = 200_000
MOST_STREAMS = 16
IMPORTED = (
    *("dlt", "dlt.destinations.impl.duckdb.duck", "dlt.common.libs.pyarrow", "pyarrow.parquet", "pandas"),
    *("orchestrator.adapters.great_expectations.evaluate", "orchestrator.adapters.great_expectations.duckdb_reading"),
    *("orchestrator.adapters.great_expectations.postgres_reading", "orchestrator.wiring.condition_child"),
)


@dataclass(frozen=True)
class Order:
    """One start of a child: its program, its folder, its variables, and the numbers of its open streams."""

    module: str | None
    path: str | None
    words: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]
    in_a_session: bool


def main(listener: socket.socket) -> None:
    """Fork a process for each order until the tests end, and become the child in each fork."""
    gc.set_threshold(50_000, 20, 20)
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its stderr is that of a test
    for module in IMPORTED:
        with suppress(ImportError):
            import_module(module)
    with suppress(AttributeError):
        resource_tracker._resource_tracker._stop()
    gc.collect()
    gc.freeze()
    order, received = _next_order(listener)
    _become(order, received)
    if order.module is not None:
        run_module(order.module, run_name="__main__", alter_sys=True)
    else:
        run_path(str(order.path), run_name="__main__")


def _next_order(listener: socket.socket) -> tuple[Order, list[int]]:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:  # the tests have ended
            os._exit(0)
        orders, _ = listener.accept()
        with orders:
            said, received, _, _ = socket.recv_fds(orders, MOST_BYTES, MOST_STREAMS)
        if not said:
            continue
        reports, *streams = received
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if _fork_and_report(reports):
                return Order(**json.loads(said)), streams
        for descriptor in received:
            os.close(descriptor)


def _fork_and_report(reports: int) -> bool:
    """Fork again: return True in the child; the process in between reports its id and its exit code."""
    from tests.dies_with import die_with_the_parent

    die_with_the_parent(signal.SIGKILL)
    child = os.fork()
    if child == 0:
        die_with_the_parent(signal.SIGKILL)
        return True
    os.dup2(reports, 0)
    os.closerange(1, os.sysconf("SC_OPEN_MAX"))
    os.write(0, f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError):
        os.write(0, f"{code}\n".encode())
    os._exit(0)


def _become(order: Order, received: list[int]) -> None:
    """Take on everything that a process is started with."""
    if order.in_a_session:
        os.setsid()
    above = max(*order.streams, *received) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, above) for descriptor in received]
    os.closerange(3, above)
    for descriptor, number in zip(moved, order.streams, strict=True):
        os.dup2(descriptor, number)
    os.closerange(above, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    random.seed()
    sys.argv = [order.module or str(order.path), *order.words]
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115  # open to the end of the process
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
