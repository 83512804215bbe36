"""The process of which `elt` is forked: it has imported dbt and built dbt's classes, and holds nothing open."""

import gc
import json
import os
import random
import signal
import socket
import sys
import time
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from runpy import run_module
from tempfile import TemporaryDirectory
from textwrap import dedent

from tests.dies_with import die_with_the_parent
from tests.quicker_tools import make_quicker, read_macros
from tests.warm_children import install

MOST_BYTES = 200_000
IMPORTED = ("dbt.adapters.duckdb", "orchestrator.api", "orchestrator.continued_runs", "orchestrator.store.sql_store")
QUIET = ("--quiet", "--log-level-file", "none", "--no-send-anonymous-usage-stats")
NO_THREADS = "--no-static-parser"
"""That parser leaves threads behind, which a fork would miss."""


@dataclass(frozen=True)
class Order:
    """One start of `elt`: its words, its folder, its variables, and its streams."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    in_a_session: bool
    streams: tuple[int, ...]


def main(orders: socket.socket) -> None:
    """Fork a process for each order until nobody is left to give one, and be `elt` in each fork."""
    import_module("duckdb")  # the allocator of DuckDB 1 has a thread, which it starts again in a fork
    threads = _threads()
    get_warm()
    install()
    assert _threads() == threads, "a process with threads is not to be forked"
    gc.collect()
    gc.freeze()
    become_elt(next_order(orders))
    run_module("orchestrator", run_name="__main__", alter_sys=True)


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def get_warm() -> None:
    """Import what a run imports, and have dbt parse a project, so that its classes are built."""
    from orchestrator.cli.verbs import VERBS

    for module in (*IMPORTED, *(module for module, _ in VERBS.values())):
        import_module(module)
    make_quicker()
    with TemporaryDirectory() as folder:
        copy_context().run(_parse, Path(folder))
    resource_tracker._resource_tracker._stop()  # each fork starts its own: their ends are not to be shared


def _parse(folder: Path) -> None:
    from dbt import deprecations
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner
    from dbt_common.events.event_manager_client import cleanup_event_logger

    from tests.functional.shop import FILES

    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    parsed = dbtRunner().invoke(
        [*QUIET, "parse", NO_THREADS, "--project-dir", str(folder), "--profiles-dir", str(folder)]
    )
    assert parsed.success, parsed.exception
    read_macros(macro.macro_sql for macro in parsed.result.macros.values())
    reset_adapters()  # with the semaphores of their connections
    deprecations.reset_deprecations()
    cleanup_event_logger()
    del parsed
    gc.collect()


def next_order(orders: socket.socket) -> Order:
    """Wait for orders; gives one in the process that is forked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for a run is waited for by nobody
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the tests
    while True:
        said, descriptors, _, _ = socket.recv_fds(orders, MOST_BYTES, 4)
        if not said:
            os._exit(0)
        told, *streams = descriptors
        if os.fork() == 0:
            orders.detach()  # its number will be another's
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if _fork_and_tell(told):
                return Order(**json.loads(said), streams=tuple(streams))
        for descriptor in descriptors:
            os.close(descriptor)


def _fork_and_tell(told: int) -> bool:
    """Fork once more: True in the child; its parent tells its id and its exit code, and ends."""
    die_with_the_parent(signal.SIGKILL)  # so that no query is left that runs for hours
    child = os.fork()
    if child == 0:
        die_with_the_parent(signal.SIGKILL)
        return True
    os.dup2(told, 0)
    os.closerange(1, os.sysconf("SC_OPEN_MAX"))
    os.write(0, f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(0, f"{code}\n".encode())
    os._exit(0)


def become_elt(order: Order) -> None:
    """Take on all that a process is started with."""
    if order.in_a_session:
        os.setsid()
    for place, descriptor in enumerate(order.streams):
        os.dup2(descriptor, place)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    random.seed()
    sys.argv = ["elt", *order.words]
    sys.path[0] = order.folder
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115  # open to the end of the process
    sys.stdout = sys.__stdout__ = _stream(1, errors="strict")
    sys.stderr = sys.__stderr__ = _stream(2, errors="backslashreplace")
    from dbt_common.invocation import reset_invocation_id

    reset_invocation_id()


def _stream(descriptor: int, *, errors: str):
    """Open what the interpreter opens at its start."""
    at_once = bool(os.environ.get("PYTHONUNBUFFERED")) or descriptor == 2 or os.isatty(descriptor)
    return open(descriptor, "w", buffering=1 if at_once else -1, errors=errors, closefd=False)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
