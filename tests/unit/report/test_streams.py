"""Output whose reader has gone, or that cannot be written."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from orchestrator.report.streams import open_console

PROGRAM = """
import sys
from orchestrator.cli.standard_streams import guard_streams
from orchestrator.report.streams import Lines, open_console
below = guard_streams()
if sys.argv[1] == "lines":
    lines = Lines(sys.stdout)
    for number in range(5000): lines.write(f"line {number}")
elif sys.argv[1] == "console":
    console = open_console()
    for number in range(5000): console.print(f"line {number}")
else:
    for number in range(5000): print(f"line {number}")
    print("more" * 9999)
sys.stdout.flush()
print(below.trouble() or "", end="", file=sys.stderr)
raise SystemExit(7)
"""


@pytest.mark.parametrize("way", ["lines", "console", "print"])
def test_a_closed_output_pipe_changes_no_exit_code_and_prints_nothing(way: str) -> None:
    """As in `elt ls | head`: no traceback, and the exit code is that of the command."""
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, way], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "line 0\n"
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    assert child.wait(60) == 7


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("way", ["lines", "console", "print"])
def test_a_full_disk_raises_no_error_and_its_reason_is_kept(way: str, unbuffered: str) -> None:
    """Neither a write nor the last flush of the interpreter raises; the reason can be asked for."""
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-c", PROGRAM, way]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert (done.stderr, done.returncode) == ("No space left on device", 7)


def test_a_pipe_that_would_block_is_waited_for() -> None:
    """A parent may have made our stdout non-blocking; nothing is lost then."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    words = [sys.executable, "-c", PROGRAM, "print"]
    child = subprocess.Popen(words, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert child.stderr is not None
    with os.fdopen(read) as stream:
        lines = stream.read().splitlines()
    assert (len(lines), lines[-1]) == (5001, "more" * 9999)
    assert (child.stderr.read(), child.wait(60)) == ("", 7)


UNREAD = """
import os, sys, threading, time
from orchestrator.cli.standard_streams import guard_streams, stop_waiting_for_readers
from orchestrator.report.streams import Lines
below = guard_streams()
lines, number = Lines(sys.stdout), 0
def tell():
    global number
    while True:
        lines.write(f"line {number}")
        number += 1
threading.Thread(target=tell, daemon=True).start()
before = -1
while before != number:
    before = number
    time.sleep(0.3)
stop_waiting_for_readers()
sys.stdout.flush()
os.write(int(sys.argv[1]), str(below.trouble()).encode())
os._exit(7)
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("both", [False, True])
def test_a_pipe_that_nobody_reads_does_not_keep_a_process_that_must_end(unbuffered: str, both: bool) -> None:
    """Also while another thread is inside the stream, and also if stderr is the same pipe."""
    read, write = os.pipe()
    reason, tells = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", UNREAD, str(tells)],
        stdout=write,
        stderr=write if both else subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        pass_fds=[tells],
    )
    os.close(tells)
    os.close(write)
    assert child.wait(60) == 7
    assert os.read(reason, 100) == b"nobody reads it"
    os.close(read)
    os.close(reason)


def test_a_character_that_the_terminal_cannot_show_is_not_an_error(tmp_path: Path) -> None:
    """An old encoding gets a question mark."""
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        open_console(stream).print("a … b")
    assert (tmp_path / "out").read_text() == "a ? b\n"


def test_text_is_used_verbatim() -> None:
    """Neither markup nor pictures nor colours are read into a message."""
    stream = io.StringIO()
    open_console(stream).print("[bold]x[/bold] :smile: 'a' 12 " + os.devnull)
    assert stream.getvalue() == f"[bold]x[/bold] :smile: 'a' 12 {os.devnull}\n"


def test_a_console_shows_control_characters_and_keeps_its_own_colours() -> None:
    """Whatever a name contains, in a line or in a table."""
    told = io.StringIO()
    console = open_console(told, width=60)
    console._force_terminal, console._color_system = True, 1
    table = Table(box=None)
    table.add_column("name")
    table.add_row("b\x1b]0;title\x07c")
    console.print("a\x1b[2Jb", style="red")
    console.print(table)
    assert r"a\x1b[2Jb" in told.getvalue()
    assert r"b\x1b]0;title" in told.getvalue()
    assert "\x1b[2J" not in told.getvalue()
