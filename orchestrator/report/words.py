"""Formats numbers, times and text from other tools for users."""

import re
from datetime import datetime, timedelta

from orchestrator.wording import count, shortened

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_LINE = 400


def duration(time: timedelta) -> str:
    """Return a duration in words: `0.4s`, `1m 03s`, `2h 05m 00s`."""
    if time < timedelta(minutes=1):
        # 59.96 would otherwise be rounded to 60.0s.
        return f"{min(max(time.total_seconds(), 0.0), 59.9):.1f}s"
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m {seconds:02}s" if hours else f"{minutes}m {seconds:02}s"


def wait_words(time: timedelta) -> str:
    """Return a waiting time in rough words: `8 s`, `4 min`, `1 h`."""
    seconds = max(time.total_seconds(), 0.0)
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def clock(at: datetime) -> str:
    """Return the local time of day."""
    return f"{at.astimezone():%H:%M:%S}"


def size_words(size: int) -> str:
    """Return a number of bytes in words: `812 bytes`, `12.3 MB`, `4.0 GB`."""
    for unit, word in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {word}"
    return count(size, "byte")


def clean(message: str) -> str:
    """Return text from other tools without control codes, which could move the cursor or colour a log."""
    text = _ANSI.sub("", message).replace("\r\n", "\n").replace("\t", "    ")
    return _CONTROL.sub("", text).strip("\n")


def visible(text: str) -> str:
    """Return text without colours, and with other control characters as text, which the terminal does not obey."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _COLOR.sub("", text))


def one_line(message: str, *, longest: int | None = _LONGEST_LINE) -> str:
    """Return text from other tools on one line, cut to `longest` characters."""
    line = " ".join(clean(message).split())
    return line if longest is None else shortened(line, longest)
