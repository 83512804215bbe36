"""Protects stdout and stderr of the process against write errors."""

import os
import select
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputFile(FileIO):
    """The file below an output stream. After the first error, it accepts all data and writes nothing.

    So a full disk or a closed pipe does not end a run, and raises nothing while the interpreter exits.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "wb", closefd=False)
        self.error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the bytes, or keep the error that prevents it; if the pipe would block, wait."""
        if self.error is None:
            try:
                while (written := super().write(data)) is None:
                    select.select([], [self], [])
            except OSError as error:
                self.error = error
            else:
                return written
        return memoryview(data).nbytes

    def trouble(self) -> str | None:
        """Return why output was lost; None for a closed pipe, because its reader has read all that it wanted."""
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return None
        return self.error.strerror or str(self.error)


def guard_streams() -> OutputFile:
    """Replace stdout and stderr so that write errors raise nothing; return the file of stdout, with its error."""
    sys.stdout, below_stdout = _guarded(sys.stdout, 1)
    sys.stderr, _ = _guarded(sys.stderr, 2)
    return below_stdout


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
