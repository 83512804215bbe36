"""Starts `elt` as a process of its own without its imports: the process is forked of one that has made them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from tests.warm_children import descriptor, ready
from tests.warm_process import WarmProcess

ROOT = Path(__file__).parents[1]


class WarmStart(WarmProcess):
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
        start_new_session: bool = False,
        close_fds: bool = True,  # it has no other than its three streams
    ) -> None:
        """Have it forked, with its streams where they are asked for: a pipe, a descriptor, the null device, or ours."""
        order = {
            "words": words,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "in_a_session": start_new_session,
        }
        told, tells = os.pipe()
        with Path(os.devnull).open("r+b") as nothing:
            our_out, out = _output(stdout, 1, nothing.fileno())
            our_err, err = _output(stderr, 2, nothing.fileno())
            super().__init__(our_out, our_err)
            ready()
            streams = [tells, descriptor(stdin, 0, nothing.fileno()), out, err]
            socket.send_fds(_server(), [json.dumps(order).encode()], streams)
        for end in (tells, *(pipe for pipe, asked in ((out, stdout), (err, stderr)) if asked == subprocess.PIPE)):
            os.close(end)
        self._await(told)


def _output(asked: int | None, ours: int, nothing: int) -> tuple[IO[str] | None, int]:
    """Give our end of a stream, if it is to be a pipe, and the end that the process gets."""
    if asked != subprocess.PIPE:
        return None, descriptor(asked, ours, nothing)
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
