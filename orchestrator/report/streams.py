"""Where output goes, and the one place that knows what to do when its reader has gone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper, UnsupportedOperation
from typing import TextIO

from rich.console import Console


class Lines:
    """Writes whole lines, each at once; goes quiet when the reader has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """Write one line."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            _mute(self._stream)


class QuietConsole(Console):
    """A console that goes quiet when its reader has gone, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Let what is still to come go nowhere: the run goes on."""
        _mute(self.file)


def open_console(stream: TextIO | None = None, *, width: int | None = None) -> Console:
    """Open a console on a stream; colours follow the terminal and NO_COLOR.

    Text is taken as it is: a message such as `[ok]` is no markup and `:x:` no picture.
    """
    file = stream if stream is not None else sys.stdout
    if isinstance(file, TextIOWrapper):
        # A terminal that cannot show a sign shows a question mark rather than a traceback.
        file.reconfigure(errors="replace")
    return QuietConsole(file=file, width=width, markup=False, emoji=False, highlight=False)


def can_live(console: Console) -> bool:
    """Say whether a live view can be drawn: on a terminal that moves its cursor, whatever FORCE_COLOR says."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Let a command end without a word when the reader of its output has gone, as in `elt ls | head`."""
    try:
        yield
        # Here rather than when the interpreter ends, where nobody could catch it.
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _mute(sys.stdout)


def _mute(stream: object) -> None:
    """Send the rest of a stream nowhere, so that the interpreter's last flush succeeds too."""
    with suppress(AttributeError, UnsupportedOperation, ValueError):
        number = stream.fileno()  # type: ignore[attr-defined]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
