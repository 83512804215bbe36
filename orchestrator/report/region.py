"""Redraws lines in place at the bottom of a terminal, below all other output.

rich's own live display counts the lines that it drew. When a terminal becomes narrower, it breaks them into more rows,
and parts of them stay on the screen. This class counts rows.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TextIO, cast

from rich.console import Console, ConsoleRenderable, Group, RenderHook
from rich.control import Control
from rich.file_proxy import FileProxy
from rich.segment import ControlType
from rich.text import Text

from orchestrator.execution.printed import PrintedLines


class Region(RenderHook):
    """Draws lines after all other output of the console, and erases the last drawing before it."""

    def __init__(self, console: Console, draw: Callable[[], Sequence[Text]]) -> None:
        self._console = console
        self._draw = draw
        self._drawn: list[int] = []
        self._open = False
        self._streams: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)

    def start(self) -> None:
        """Draw for the first time."""
        self._open = True
        self._console.show_cursor(show=False)
        self._console.push_render_hook(self)
        # Output that a library prints directly would break the drawing, so it is redirected to appear above it.
        self._streams = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = map(self._above, self._streams)
        self.refresh()

    def _above(self, stream: TextIO) -> TextIO:
        if isinstance(stream, PrintedLines):  # its lines arrive as notices
            return stream
        return cast("TextIO", FileProxy(self._console, stream))

    def refresh(self, *above: Text) -> None:
        """Draw again, with new lines above."""
        self._console.print(*(above or [Control()]), sep="\n", end="\n" if above else "", soft_wrap=True)

    def stop(self) -> None:
        """Erase the drawing and restore the terminal; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        sys.stdout, sys.stderr = self._streams
        self._console.print(Control(), end="", soft_wrap=True)
        self._console.pop_render_hook()
        self._console.show_cursor(show=True)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return the output between the erasure and the new drawing, so that all is one write."""
        erase = self._erase()
        lines = list(self._draw()) if self._open else []
        self._drawn = [line.cell_len for line in lines]
        drawing = Text("\n", end="").join(lines) if lines else Text(end="")
        return [erase, *renderables, Group(drawing)]

    def _erase(self) -> Control:
        """Return the codes that move to the first row of the last drawing and clear every row."""
        if not self._drawn:
            return Control()
        width, height = self._console.size
        rows = sum(max(1, -(-length // width)) for length in self._drawn)
        up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)) * (min(rows, height) - 1)
        return Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up)
