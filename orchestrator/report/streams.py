"""Opens the streams and consoles that reports write to."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.segment import Segment
from rich.table import Table

from orchestrator.report.words import visible

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
    console = Console(file=file, width=width, markup=False, emoji=False, highlight=False)
    console.push_render_hook(_VisibleTexts())
    return console


class _VisibleTexts(RenderHook):
    """Shows control characters of names and messages as text: they could move the cursor, or hide what is printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_VisibleText(one) for one in renderables]


@dataclass(frozen=True, slots=True)
class _VisibleText:
    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.shown, options):
            # Control segments are rich's own: they draw the live view.
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def can_live(console: Console) -> bool:
    """Return whether a live view can be drawn: on a terminal that can move its cursor, regardless of FORCE_COLOR."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


def print_wide(console: Console, table: Table) -> None:
    """Print a table as wide as the terminal; without a terminal, as wide as the table needs."""
    if not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(width=_WIDEST)).maximum
    console.print(table)
