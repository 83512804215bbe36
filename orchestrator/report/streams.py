"""Opens the streams and consoles that reports write to."""

import sys
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console
from rich.table import Table

_WIDEST = 10_000
"""Columns: wider than any table."""


class Lines:
    """Writes whole lines, and flushes each one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """Write one line."""
        self._stream.write(line + "\n")
        self._stream.flush()


def open_console(stream: TextIO | None = None, *, width: int | None = None) -> Console:
    """Open a console on a stream; colours follow the terminal and NO_COLOR.

    Text is printed literally: `[ok]` in a message is not markup, and `:x:` is not an emoji.
    """
    file = stream if stream is not None else sys.stdout
    if isinstance(file, TextIOWrapper):
        # A terminal that cannot show a character shows a question mark, instead of raising an error.
        file.reconfigure(errors="replace")
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def can_live(console: Console) -> bool:
    """Return whether a live view can be drawn: on a terminal that can move its cursor, regardless of FORCE_COLOR."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


def print_wide(console: Console, table: Table) -> None:
    """Print a table as wide as the terminal; without a terminal, as wide as the table needs."""
    if not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(width=_WIDEST)).maximum
    console.print(table)
