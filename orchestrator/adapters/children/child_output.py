"""Writes what a child prints to its log, if it has one, with secrets masked; the end of it is kept for the record."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

_AT_ONCE = 1 << 16  # bytes; a longer line is written in pieces
_MOST_KEPT = 16_000  # characters
_PATIENCE = 2.0  # seconds to wait for the end of the output; a process that the child left behind may keep it open


class ChildOutput:
    """Reads a child's output on a separate thread until all writers have closed the other end."""

    def __init__(self, end: int, log: Path | None, mask: Callable[[str], str]) -> None:
        self._end = end
        self._log = log
        self._mask = mask
        self._kept = ""
        self._thread = threading.Thread(target=self._read, name="elt-child-output", daemon=True)
        self._thread.start()

    def finish(self) -> str:
        """Wait for the end of the output, and return its last part."""
        self._thread.join(_PATIENCE)
        return self._kept

    def _read(self) -> None:
        """Read to the end, even if the log cannot be written: otherwise the child would fail on a closed pipe."""
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
        if self._log is None:
            return len
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = self._log.open("ab", buffering=0)
        except OSError:  # for example a full disk
            return len
        resources.callback(log.close)
        return log.write

    def _write(self, write: Callable[[bytes], object], some: bytes) -> None:
        if some:
            text = self._mask(some.decode(errors="replace"))
            self._kept = (self._kept + text)[-_MOST_KEPT:]
            with suppress(OSError):
                write(text.encode())
