"""Writes what a child prints to its log, if it has one, with secrets masked; the end of it is kept for the record."""

import codecs
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

_AT_ONCE = 1 << 16  # bytes; a longer line is written in pieces
_HELD = 1 << 12  # characters at the end of such a piece; a secret may have begun there
_MOST_KEPT = 16_000  # characters
_MOST_WRITTEN = 10_000_000  # bytes
_CUT = b"\nelt: the rest of the output is not written here, because it is longer than 10 MB.\n"
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
        rest = ""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError), os.fdopen(self._end, "rb", buffering=0) as end, ExitStack() as resources:
            write = self._log_writer(resources)
            while some := end.read(_AT_ONCE):
                lines, newline, rest = (rest + decoder.decode(some)).rpartition("\n")
                self._write(write, lines + newline)
                if len(rest) > _AT_ONCE:
                    place = self._place_to_cut(rest)
                    self._write(write, rest[:place])
                    rest = rest[place:]
            self._write(write, rest + decoder.decode(b"", final=True))

    def _place_to_cut(self, text: str) -> int:
        """Return where a long line can be cut without dividing a secret; at its end if that is nowhere."""
        whole = self._mask(text)
        for place in range(len(text) - _HELD, 0, -_HELD):
            if self._mask(text[:place]) + self._mask(text[place:]) == whole:
                return place
        return len(text)

    def _log_writer(self, resources: ExitStack) -> Callable[[bytes], object]:
        if self._log is None:
            return len
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = self._log.open("ab", buffering=0)
        except OSError:  # for example a full disk
            return len
        resources.callback(log.close)
        left = _MOST_WRITTEN

        def write(some: bytes) -> None:
            nonlocal left
            if left < 0:
                return
            whole = len(some) <= left
            log.write(some if whole else some[:left].decode(errors="ignore").encode())  # no half character
            left -= len(some)
            if not whole:
                log.write(_CUT)

        return write

    def _write(self, write: Callable[[bytes], object], some: str) -> None:
        if some:
            text = self._mask(some)
            self._kept = (self._kept + text)[-_MOST_KEPT:]
            with suppress(OSError):
                write(text.encode())
