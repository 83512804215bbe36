"""Writes what a child prints to its log, if it has one, with secrets masked; the end of it is kept for the record."""

import codecs
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self

_AT_ONCE = 1 << 16  # bytes; a longer line is written in pieces
_HELD = 1 << 12  # characters at the end of such a piece; a secret may have begun there
_MOST_KEPT = 16_000  # characters
_MOST_RAW = 1 << 17  # bytes; many times as many as are kept, so that no half secret at a cut is among these
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
        self._raw = bytearray()  # the end of what is not written; it is masked only once, because that takes time
        self._is_cut = False
        self._thread = threading.Thread(target=self._read, name="elt-child-output", daemon=True)
        self._thread.start()

    def finish(self) -> str:
        """Wait for the end of the output, and return its last part."""
        self._thread.join(_PATIENCE)
        # The masker hides half of a secret where it finds the sign of a cut.
        raw = ("…" if self._is_cut else "") + bytes(self._raw).decode(errors="replace")
        return (self._kept + self._mask(raw))[-_MOST_KEPT:]

    def _read(self) -> None:
        """Read to the end, even if the log cannot be written: otherwise the child would fail on a closed pipe."""
        rest = ""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError), os.fdopen(self._end, "rb", buffering=0) as end, _BoundedLog(self._log) as log:
            while not log.is_full and (some := end.read(_AT_ONCE)):
                lines, newline, rest = (rest + decoder.decode(some)).rpartition("\n")
                self._write(log, lines + newline)
                if len(rest) > _AT_ONCE:
                    place = self._place_to_cut(rest)
                    self._write(log, rest[:place])
                    rest = rest[place:]
            if not log.is_full:
                self._write(log, rest + decoder.decode(b"", final=True))
                return
            self._raw += rest.encode() + decoder.getstate()[0]
            while some := end.read(_AT_ONCE):
                self._raw += some
                if len(self._raw) > 2 * _MOST_RAW:
                    del self._raw[:-_MOST_RAW]
                    self._is_cut = True

    def _place_to_cut(self, text: str) -> int:
        """Return where a long line can be cut without dividing a secret; at its end if that is nowhere."""
        whole = self._mask(text)
        for place in range(len(text) - _HELD, 0, -_HELD):
            if self._mask(text[:place]) + self._mask(text[place:]) == whole:
                return place
        return len(text)

    def _write(self, log: "_BoundedLog", some: str) -> None:
        if some:
            text = self._mask(some)
            self._kept = (self._kept + text)[-_MOST_KEPT:]
            with suppress(OSError):
                log.write(text.encode())


class _BoundedLog:
    """A log that takes no more than a limit; full from the start if there is none, or it cannot be written."""

    def __init__(self, path: Path | None) -> None:
        self._left = _MOST_WRITTEN
        self._log = None if path is None else _opened(path)
        self.is_full = self._log is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.close()

    def write(self, some: bytes) -> None:
        """Write as much as there is room for, and then that there is more."""
        if self.is_full or self._log is None:
            return
        if len(some) <= self._left:
            self._left -= len(some)
            self._log.write(some)
            return
        self.is_full = True
        self._log.write(some[: self._left].decode(errors="ignore").encode() + _CUT)  # no half character


def _opened(path: Path) -> FileIO | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab", buffering=0)
    except OSError:  # for example a full disk
        return None
