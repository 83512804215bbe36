"""Imports dbt once, and forks a process for each command of the stand-in: `python stand_in_server.py SOCKET`."""

import json
import os
import signal
import socket
import sys
import threading
import traceback
from typing import IO, NoReturn

from tests.functional.dbt2.stand_in import main


class Forked:
    """dbt 1.x's command line in a fork, as a `subprocess.Popen`."""

    def __init__(self, words: list[str], stdout: int | None = -1) -> None:
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            if stdout is not None:
                os.dup2(write, 1)
            _dbt(words)
        os.close(write)
        self.stdout: IO[str] = os.fdopen(read)

    def wait(self) -> int:
        """Return the exit code."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _dbt(words: list[str]) -> NoReturn:
    from dbt.cli.main import cli

    code = 2
    try:
        cli(words)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve(end: socket.socket) -> NoReturn:
    data, streams, *_ = socket.recv_fds(end, 1 << 20, 2)
    order = json.loads(data)
    os.setpgid(0, 0)

    def die_with_caller() -> None:
        end.recv(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=die_with_caller, daemon=True).start()
    os.dup2(streams[0], 1)
    os.dup2(streams[1], 2)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    code = 1
    try:
        code = main(order["words"], Forked)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
    end.send(str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401  # imported for the forks

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(sys.argv[1])
        here.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            caller, _ = here.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                here.close()
                _serve(caller)
            caller.close()
