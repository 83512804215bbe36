"""Lines at the foot of a terminal that are redrawn in place, below everything else that is printed.

rich's own live display counts the lines that it drew; when a terminal becomes narrower it breaks them into more rows,
and what is left of them stays on the screen. This one counts rows.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TextIO, cast

from rich.console import Console, ConsoleRenderable, Group, RenderHook
from rich.control import Control
from rich.file_proxy import FileProxy
from rich.segment import ControlType
from rich.text import Text


class Region(RenderHook):
    """Draws lines after whatever the console prints, and takes the last drawing away before."""

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
        # What a library prints beside us would break the drawing: it goes above.
        self._streams = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = (cast("TextIO", FileProxy(self._console, stream)) for stream in self._streams)
        self.refresh()

    def refresh(self, *above: Text) -> None:
        """Draw again, with new lines above."""
        self._console.print(*(above or [Control()]), sep="\n", end="\n" if above else "", soft_wrap=True)

    def stop(self) -> None:
        """Take the drawing away and give the terminal back as it was; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        sys.stdout, sys.stderr = self._streams
        self._console.print(Control(), end="", soft_wrap=True)
        self._console.pop_render_hook()
        self._console.show_cursor(show=True)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Put the erasing before what is printed and the drawing after it, all in one write."""
        erase = self._erase()
        lines = list(self._draw()) if self._open else []
        self._drawn = [line.cell_len for line in lines]
        drawing = Text("\n", end="").join(lines) if lines else Text(end="")
        return [erase, *renderables, Group(drawing)]

    def _erase(self) -> Control:
        """Go to the first row of the last drawing and leave every row empty."""
        if not self._drawn:
            return Control()
        width, height = self._console.size
        rows = sum(max(1, -(-length // width)) for length in self._drawn)
        up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)) * (min(rows, height) - 1)
        return Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up)
