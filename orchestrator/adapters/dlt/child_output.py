"""Writes what a child prints to a log, with secrets hidden; the last of it is kept for the record."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
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
        rest = b""
        with suppress(OSError), os.fdopen(self._end, "rb", buffering=0) as end:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as log:
                while some := end.read(_AT_ONCE):
                    lines, newline, rest = (rest + some).rpartition(b"\n")
                    if newline or len(rest) > _AT_ONCE:
                        self._write(log.write, lines + newline if newline else rest)
                        rest = rest if newline else b""
                        log.flush()
                self._write(log.write, rest)

    def _write(self, write: Callable[[str], object], some: bytes) -> None:
        if some:
            text = self._mask(some.decode(errors="replace"))
            self._kept = (self._kept + text)[-_MOST_KEPT:]
            write(text)
