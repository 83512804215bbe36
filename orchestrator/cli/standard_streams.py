"""Protects stdout and stderr of the process against write errors."""

import os
import select
import stat
import sys
import threading
import time
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_LOOK_SECONDS = 0.5
_LAST_SECONDS = 1.0


class UnreadError(OSError):
    """Nobody reads the pipe, and the process must end."""

    def __init__(self) -> None:
        super().__init__("nobody reads it")


class OutputFile(FileIO):
    """The file below an output stream. After the first error, it accepts all data and writes nothing.

    So a full disk or a closed pipe does not end a run, and raises nothing while the interpreter exits. A pipe is
    written only when it has room. A thread that waits for a reader can thus be told to give up; one that is inside
    the system's write cannot.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "wb", closefd=False)
        self.error: OSError | None = None
        self.until: float | None = None
        """The moment from which a pipe without room is an error; None to wait as long as it takes."""
        self._lock = threading.RLock()
        self._most = sys.maxsize if stat.S_ISREG(os.fstat(number).st_mode) else select.PIPE_BUF

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all bytes, or keep the error that prevents it; if the pipe would block, wait."""
        left = memoryview(data).cast("B")
        size = left.nbytes
        with self._lock:
            while left and self.error is None:
                try:
                    self._await_room()
                    left = left[super().write(left[: self._most]) or 0 :]
                except OSError as error:
                    self.error = error
        return size

    def _await_room(self) -> None:
        while not select.select([], [self], [], _LOOK_SECONDS)[1]:
            if self.until is not None and time.monotonic() > self.until:
                raise UnreadError

    def trouble(self) -> str | None:
        """Return why output was lost; None for a closed pipe, because its reader has read all that it wanted."""
        with self._lock:  # another thread may still wait for the reader
            pass
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return None
        return self.error.strerror or str(self.error)


_FILES: list[OutputFile] = []


def guard_streams() -> OutputFile:
    """Replace stdout and stderr so that write errors raise nothing; return the file of stdout, with its error."""
    sys.stdout, below_stdout = _guarded(sys.stdout, 1)
    sys.stderr, below_stderr = _guarded(sys.stderr, 2)
    _FILES[:] = [below_stdout, below_stderr]
    return below_stdout


def stop_waiting_for_readers() -> None:
    """Give up output that nobody reads within a second, from now on: a user wants the process to end."""
    for file in _FILES:
        file.until = time.monotonic() + _LAST_SECONDS


def _guarded(stream: TextIO | None, number: int) -> tuple[TextIO, OutputFile]:
    if stream is None:  # closed by the shell; without a replacement, the next file that is opened would get this number
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, number)
    below = OutputFile(number)
    if not isinstance(stream, TextIOWrapper):
        return TextIOWrapper(BufferedWriter(below), encoding="utf-8", errors="replace"), below
    stream.flush()
    binary = below if stream.write_through else BufferedWriter(below)
    text = TextIOWrapper(
        binary,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return text, below
