"""Records `elt run --select marts` on a terminal and draws docs/run.svg: `make picture`.

The run is real: a copy of the reference project in a new folder, a pseudo-terminal of 100 by 30 characters, and a
terminal emulator that reads what `elt` writes. The picture differs from the screen in three ways: it shows the path of
the copy as `~/elt`, it shows a few of the screens, and each of them for the same time.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby, pairwise
from pathlib import Path

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "run.svg"
COLUMNS, ROWS = 100, 30
FRAMES, SECONDS, LAST_SECONDS = 14, 1.0, 8.0
SHOWN_AS = "~/elt"
PROMPT = "\x1b[1;32m~/elt\x1b[0m $ elt run --select marts\r\n"
PARTS = ("dbt_project", "ingestion", "expectations")
# Without a font of its own: a page may not load one from elsewhere.
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
Screen = list[Text]


def record(folder: Path) -> Iterator[Screen]:
    """Run the command in the folder, and yield the screen after each drawing."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(PROMPT.encode())
    yield screen_of(screen, folder)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    elt = [Path(sys.executable).with_name("elt"), "run", "--select", "marts"]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    process = subprocess.Popen(elt, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    while written := _drawing(ours):
        # The emulator knows no dim text, which is shown in grey instead.
        stream.feed(written.replace(b"\x1b[2m", b"\x1b[90m"))
        yield screen_of(screen, folder)
    if process.wait():
        sys.exit(f"The run ended with exit code {process.returncode}.")


def _drawing(terminal: int) -> bytes:
    """Return what is written until the terminal is quiet for a moment: a whole drawing."""
    written = b""
    try:
        written += os.read(terminal, 65536)
        while select.select([terminal], [], [], 0.02)[0]:
            written += os.read(terminal, 65536)
    except OSError:  # the run has ended
        pass
    return written


def screen_of(screen: pyte.Screen, folder: Path) -> Screen:
    """Return the lines that the emulator shows."""
    rows = (screen.buffer[row] for row in range(ROWS))
    return [_masked(_text([row[column] for column in range(COLUMNS)]), folder) for row in rows]


def _text(row: Sequence[Char]) -> Text:
    runs = [(style, "".join(char.data for char in chars)) for style, chars in groupby(row, _style)]
    line = Text.assemble(*((data, style) for style, data in runs))
    line.rstrip()
    return line


def _style(char: Char) -> Style:
    return Style(color=_colour(char.fg), bold=char.bold, italic=char.italics, underline=char.underscore)


def _colour(name: str) -> str:
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


def _masked(line: Text, folder: Path) -> Text:
    at = line.plain.find(str(folder))
    return line if at < 0 else Text.assemble(line[:at], SHOWN_AS, line[at + len(str(folder)) :])


def chosen(screens: Sequence[Screen]) -> list[Screen]:
    """Return some of the screens, evenly spread, with the first and the last; a turn of the spinner is no new one."""
    changed = [screens[0]]
    changed += [after for before, after in pairwise(screens) if _without_spinner(before) != _without_spinner(after)]
    last = len(changed) - 1
    return [changed[at] for at in sorted({round(number * last / (FRAMES - 1)) for number in range(FRAMES)})]


def _without_spinner(screen: Screen) -> list[str]:
    return [re.sub("[\u2800-\u28ff]", "", line.plain) for line in screen]


def drawn(screens: Sequence[Screen]) -> str:
    """Return an SVG of the screens: one long strip that moves behind a window of one screen."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", force_terminal=True)
    for screen in screens:
        for line in screen:
            console.print(line, no_wrap=True, overflow="crop", crop=True)
    svg = console.export_svg(theme=SVG_EXPORT_THEME, code_format=_format(len(screens)), unique_id="run")
    # rich draws the end of each line as a text, and clips each line; neither is seen.
    return re.sub(r'<text [^>]*>\s*</text>| clip-path="url\(#run-line-\d+\)"', "", svg)


def _format(screens: int) -> str:
    height = ROWS * 24.4
    total = (screens - 1) * SECONDS + LAST_SECONDS
    stops = " ".join(
        f"{100 * number * SECONDS / total:.2f}% {{{{ transform: translateY({-number * height:.1f}px) }}}}"
        for number in range(screens)
    )
    end = -(screens - 1) * height
    return f"""<svg viewBox="0 0 1256 {height + 32:.0f}" role="img" aria-label="A terminal: elt run --select marts" \
xmlns="http://www.w3.org/2000/svg">
<style>
text {{{{ font-family: {FONT}; font-size: {{char_height}}px; white-space: pre }}}}
.strip {{{{ transform: translateY({end:.1f}px); animation: play {total:.0f}s step-end infinite }}}}
@keyframes play {{{{ {stops} }}}}
@media (prefers-reduced-motion: reduce) {{{{ .strip {{{{ animation: none }}}} }}}}
{{styles}}
</style>
<clipPath id="window"><rect width="1224" height="{height:.1f}" /></clipPath>
<rect width="1256" height="{height + 32:.0f}" rx="8" fill="#292929" />
<g transform="translate(16 16)" clip-path="url(#window)"><g class="strip">
{{backgrounds}}
{{matrix}}
</g></g>
</svg>
"""


def main() -> None:
    """Record the run and write the picture."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "elt"
        for part in PARTS:
            ignored = shutil.ignore_patterns("target", "logs", "*.duckdb*", "__pycache__", ".user.yml")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        (folder / ".git").mkdir()  # `elt` looks for the project up to the root of a repository
        PICTURE.write_text(drawn(chosen(list(record(folder)))))


if __name__ == "__main__":
    main()
