"""Starts the warm interpreter with dlt, and has it fork a child for every request."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from orchestrator.adapters.dlt import wire
from orchestrator.adapters.dlt.child_output import ChildOutput
from orchestrator.adapters.dlt.extra import require_installed

GRACE_SECONDS = 1.0


class Child:
    """A process that answers one request: its messages, its SQL, and its termination."""

    def __init__(self, answers: Connection, output: ChildOutput, sql: Connection | None) -> None:
        self.answers = answers
        self.output = output
        self.sql = sql
        self._pid: int | None = None
        self._ending = threading.Lock()
        self._unwanted = False

    def receive(self) -> dict[str, Any]:
        """Return the next message; raises EOFError if the process died."""
        self.receive_pid()
        return wire.receive(self.answers)

    def receive_pid(self) -> None:
        """Wait for the first message, which has the pid that `end` needs; calling again does nothing."""
        if self._pid is None:
            self._pid = int(wire.receive(self.answers)["pid"])
            if self._unwanted:
                self.end()

    def poll(self, seconds: float) -> bool:
        """Return whether a message, or the end of the process, arrives within the time."""
        return self.answers.poll(seconds)

    def end(self) -> None:
        """Terminate the process and all that it started, then kill what remains.

        If the pid is not known yet, `receive_pid` does this when it arrives.
        """
        self._unwanted = True
        with self._ending:
            if self._pid is None or not self._signal(signal.SIGTERM):
                return
            until = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < until:
                if not self._signal(0):
                    return
                time.sleep(0.02)
            self._signal(signal.SIGKILL)

    def close(self) -> str:
        """Close the owner's ends of the pipes once the output is written; return the last part of the output."""
        said = self.output.finish()
        with suppress(OSError):
            self.answers.close()
        return said

    def _signal(self, number: int) -> bool:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid or 0, number)
            return True
        return False


class IngestionHost:
    """The process that imports dlt once; it starts on first use."""

    def __init__(self, mask: Callable[[str], str] = lambda text: text) -> None:
        """Store `mask`, which hides secrets in the output of the children."""
        self._mask = mask
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process without waiting until it is warm; calling again does nothing."""
        with self._lock:
            self._start()

    def open_child(self, request: Mapping[str, object], *, with_sql: bool) -> Child:
        """Return a new process that answers the request; its output goes to the log that the request names."""
        ours, theirs = _pair()
        printed, prints = os.pipe()
        sql_ours, sql_theirs = _pair() if with_sql else (None, None)
        with self._lock:
            control = self._start()
            ends = [theirs.fileno(), prints, *([] if sql_theirs is None else [sql_theirs.fileno()])]
            writes_tables = request.get("kind") == "duckdb"  # for DuckDB, rows are handed over as Parquet files
            socket.send_fds(control, [b"t" if writes_tables else b"f"], ends)
        for end in (theirs, sql_theirs):
            if end is not None:
                end.close()
        os.close(prints)
        output = ChildOutput(printed, Path(str(request["log"])), self._mask)
        child = Child(Connection(ours.detach()), output, Connection(sql_ours.detach()) if sql_ours else None)
        wire.send(child.answers, request)
        return child

    def close(self) -> None:
        """Terminate the process; its children end with it."""
        with self._lock:
            if self._process is None or self._control is None:
                return
            self._control.close()
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:  # the process is still importing
                self._process.kill()
                self._process.wait()
            self._process = self._control = None

    def _start(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        require_installed()
        self._control, theirs = _pair()
        environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false"}
        # -P prevents a user's folder that is called dlt from shadowing the library.
        command = [sys.executable, "-P", "-m", "orchestrator.adapters.dlt.host_main", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(),),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # the owner handles Ctrl-C
        )
        theirs.close()
        return self._control


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
