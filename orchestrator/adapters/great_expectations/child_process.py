"""Starts the child that imports great-expectations, sends it requests, and ends it."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing import Pipe
from typing import IO

from orchestrator.adapters.child_access import ChildAccess
from orchestrator.adapters.great_expectations.messages import Ask, Judged

CHILD = "orchestrator.adapters.great_expectations.child"
_POLL_SECONDS = 0.2
_LAST_WORDS = 300
_GRACE_SECONDS = 2


class ChildEndedError(Exception):
    """The child has ended; the message contains its exit status and the last line of its stderr."""


class Child:
    """One process with great-expectations, and its access to the warehouse."""

    def __init__(self, access: ChildAccess) -> None:
        self._asks, its_asks = Pipe()
        warehouse, its_end = Pipe()
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
        fds = (its_asks.fileno(), its_end.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", CHILD, *map(str, fds), access.kind],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env={**os.environ, "GX_ANALYTICS_ENABLED": "false"},
            start_new_session=True,  # Ctrl-C reaches the owner only, which then ends the child
        )
        its_asks.close()
        its_end.close()
        self._session = access.serve(warehouse)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, ask: Ask) -> Judged:
        """Return the child's verdicts; raises ChildEndedError if it ends before it has sent them."""
        try:
            self._asks.send(ask)
            while not self._asks.poll(_POLL_SECONDS):
                if not self.is_alive and not self._asks.poll():
                    raise EOFError  # noqa: TRY301  # as when the pipe is closed
            answer = self._asks.recv()
        except (EOFError, OSError) as error:
            self._session.stop()  # the result of its query is no longer needed
            raise ChildEndedError(self._last_words()) from error
        if not isinstance(answer, Judged):
            raise ChildEndedError(f"it answered {type(answer).__name__}")
        return answer

    def kill(self) -> None:
        """End the child and the statement that runs for it; it only reads, so nothing is left incomplete."""
        self._process.kill()
        self._session.stop()
        self._process.wait()

    def close(self) -> None:
        """Close the pipe so that the child ends, and kill it if it does not."""
        with suppress(OSError):
            self._asks.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._session.stop()
        self._said.close()

    def _last_words(self) -> str:
        """Describe how the process ended, with the last line it wrote."""
        code = self._process.wait()
        lines: list[str] = []
        how = f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}"
        with suppress(ValueError):  # the owner closed the file in the meantime
            self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _LAST_WORDS))
            lines = self._said.read().decode(errors="replace").strip().splitlines()
        return f"{how}: {lines[-1]}" if lines else how
