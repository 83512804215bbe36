"""Starts `elt` as a process of its own without its imports: the process is forked of one that has made them."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[1]


class WarmStart:
    """A run of `elt` that is used as a `subprocess.Popen` is; its text streams are there where a pipe is asked for."""

    def __init__(
        self,
        words: list[str],
        *,
        cwd: Path | str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        """Have it forked, with its streams where they are asked for: a pipe, a descriptor, or ours."""
        order = {
            "words": words,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
        }
        told, tells = os.pipe()
        self.stdout, out = _output(stdout, 1)
        self.stderr, err = _output(stderr, 2)
        socket.send_fds(_server(), [json.dumps(order).encode()], [tells, 0 if stdin is None else stdin, out, err])
        for descriptor in (tells, *(end for end, asked in ((out, stdout), (err, stderr)) if asked == subprocess.PIPE)):
            os.close(descriptor)
        self._told = os.fdopen(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Give the exit code, the negative number of a signal, or None while it lives."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; what has ended is a zombie no more."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("elt", timeout or 0)
            self.returncode = int(self._told.readline())
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


def _output(asked: int | None, ours: int) -> tuple[IO[str] | None, int]:
    """Give our end of a stream, if it is to be a pipe, and the end that the process gets."""
    if asked != subprocess.PIPE:
        return None, ours if asked is None else asked
    read, write = os.pipe()
    return os.fdopen(read), write


@cache
def _server() -> socket.socket:
    """Start the process that is forked, once for these tests; it ends when they do, and so does all that it forked."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        subprocess.Popen(
            [sys.executable, "-m", "tests.warm_server", str(there.fileno())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return here
