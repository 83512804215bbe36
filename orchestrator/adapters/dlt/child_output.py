"""Writes what a child prints to a log, with secrets hidden; the last of it is kept for the record."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

_AT_ONCE = 1 << 16  # bytes; a line that is longer is written in pieces
_MOST_KEPT = 16_000  # characters
_PATIENCE = 2.0  # seconds for the end of the output; a process that the child left behind may hold it open


class ChildOutput:
    """The reading end of a child's output, read on a thread of its own until everybody has closed the other end."""

    def __init__(self, end: int, log: Path, mask: Callable[[str], str]) -> None:
        self._end = end
        self._log = log
        self._mask = mask
        self._kept = ""
        self._thread = threading.Thread(target=self._read, name="elt-child-output", daemon=True)
        self._thread.start()

    def finish(self) -> str:
        """Wait for the end of the output and return the last of it."""
        self._thread.join(_PATIENCE)
        return self._kept

    def _read(self) -> None:
        """Read to the end, also where the log cannot be written: the child must not end because of that."""
        rest = b""
        with suppress(OSError), os.fdopen(self._end, "rb", buffering=0) as end, ExitStack() as resources:
            write = self._log_writer(resources)
            while some := end.read(_AT_ONCE):
                lines, newline, rest = (rest + some).rpartition(b"\n")
                if newline or len(rest) > _AT_ONCE:
                    self._write(write, lines + newline if newline else rest)
                    rest = rest if newline else b""
            self._write(write, rest)

    def _log_writer(self, resources: ExitStack) -> Callable[[bytes], object]:
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = self._log.open("ab", buffering=0)
        except OSError:  # such as a full disk
            return len
        resources.callback(log.close)
        return log.write

    def _write(self, write: Callable[[bytes], object], some: bytes) -> None:
        if some:
            text = self._mask(some.decode(errors="replace"))
            self._kept = (self._kept + text)[-_MOST_KEPT:]
            with suppress(OSError):
                write(text.encode())
