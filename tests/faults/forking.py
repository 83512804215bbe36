"""A process that forks another for each order: what takes long to import is imported once, and nothing is open yet."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
KILLED = -9


def serve(obey: Callable[[dict], int]) -> None:
    """Do each order, a line of JSON, in a fork of this process, and answer with a line: its exit code."""
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(obey(json.loads(line)))
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)  # DuckDB was never used here, and complains when it is taken down


class Forker:
    """Starts such a process, and gives it orders."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *how: object) -> None:
        self._process.communicate(timeout=30)

    def order(self, **order: object) -> int:
        """Have an order done, and give the exit code of who did it; a negative one is a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())
