"""Where output goes."""

import sys
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console


class Lines:
    """Writes whole lines, each at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """Write one line."""
        self._stream.write(line + "\n")
        self._stream.flush()


def open_console(stream: TextIO | None = None, *, width: int | None = None) -> Console:
    """Open a console on a stream; colours follow the terminal and NO_COLOR.

    Text is taken as it is: a message such as `[ok]` is no markup and `:x:` no picture.
    """
    file = stream if stream is not None else sys.stdout
    if isinstance(file, TextIOWrapper):
        # A terminal that cannot show a sign shows a question mark rather than a traceback.
        file.reconfigure(errors="replace")
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def can_live(console: Console) -> bool:
    """Say whether a live view can be drawn: on a terminal that moves its cursor, whatever FORCE_COLOR says."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
