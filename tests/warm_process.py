"""A process that was forked instead of started, used as a `subprocess.Popen` is."""

import os
import select
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Self


class WarmProcess:
    """A process that another one forked: it is reported by lines with its id and, at its end, its exit code."""

    def __init__(self, stdout: IO[str] | None, stderr: IO[str] | None) -> None:
        """Keep the streams that this process reads."""
        self.stdin, self.stdout, self.stderr = None, stdout, stderr
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def _await(self, reports: int) -> None:
        """Wait until the process has been forked."""
        self._told = os.fdopen(reports)
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        """Give the exit code, the negative number of a signal, or None while it lives."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; what has ended is a zombie no more."""
        with self._waiting:
            if self.returncode is None:
                if not select.select([self._told], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("elt", timeout or 0)
                self.returncode = int(
                    self._told.readline() or -9
                )  # without a line its server was killed, and so was it
            return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str | None, str | None]:
        """Read what it says to its end; one that takes longer is killed."""
        with ThreadPoolExecutor(2) as readers:
            said = [stream and readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        out, err = (text and text.result() for text in said)
        return out, err

    def send_signal(self, number: int) -> None:
        """Send a signal to it while it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(9)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()
