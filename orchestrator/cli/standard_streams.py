"""stdout and stderr of the process, and what happens when they cannot be written."""

import os
import select
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputFile(FileIO):
    """The file below an output stream. After a first error it accepts everything and writes nothing.

    So a full disk or a closed pipe neither ends a run nor raises while the interpreter exits.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "wb", closefd=False)
        self.error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the bytes, or keep the error that prevents it; a pipe that would block is waited for."""
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
        """Return why output was lost. A reader that closed its pipe has read what it wanted, so that is None."""
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return None
        return self.error.strerror or str(self.error)


def guard_streams() -> OutputFile:
    """Let stdout and stderr survive what they cannot write; return the file below stdout, which keeps the error."""
    sys.stdout, below_stdout = _guarded(sys.stdout, 1)
    sys.stderr, _ = _guarded(sys.stderr, 2)
    return below_stdout


def _guarded(stream: TextIO | None, number: int) -> tuple[TextIO, OutputFile]:
    if stream is None:  # closed by the shell: the next file that is opened must not take its place
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
