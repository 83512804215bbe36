"""Runs the child process that imports great-expectations: it evaluates suites on request.

Started as `python -m orchestrator.adapters.great_expectations.child <fd of asks> <fd to the warehouse> <its kind>`:
requests and verdicts use one pipe, access to the warehouse the other.
"""

import gc
import logging
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from orchestrator.adapters.great_expectations.bridge import NEEDED
from orchestrator.adapters.great_expectations.messages import Judged
from orchestrator.adapters.probe import require_attributes
from orchestrator.errors import UnsupportedVersionError


def main(asks: Connection, warehouse: Connection, kind: str) -> None:
    """Answer every request until the owner closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner ends this process; a second traceback would only confuse
    gc.set_threshold(50_000, 20, 20)  # the import takes a sixth less time, and leaves little garbage
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # the verdicts contain its messages
    try:
        require_attributes(NEEDED, "great-expectations", "sqlalchemy")
    except UnsupportedVersionError as error:
        _refuse(asks, f"{error.message}\n{error.hint}")
        return
    from orchestrator.adapters.great_expectations.evaluate import judge
    from orchestrator.adapters.great_expectations.reading import reading_of

    with suppress(EOFError, OSError):
        reading = reading_of(kind, warehouse)
        while True:
            ask = asks.recv()
            try:
                answer = judge(ask, reading)
            except Exception as error:  # noqa: BLE001  # a bug in one suite must not affect the others
                answer = Judged(error=f"{type(error).__name__}: {error}")
            asks.send(answer)


def _refuse(asks: Connection, told: str) -> None:
    """Answer every request with an error, because the installed version cannot evaluate any suite."""
    with suppress(EOFError, OSError):
        while True:
            asks.recv()
            asks.send(Judged(error=told))


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), Connection(int(sys.argv[2])), sys.argv[3])
    os._exit(0)  # it only reads: the interpreter's cleanup would only delay the owner
