"""Who holds a DuckDB file, read off DuckDB's own refusal."""

import re
from dataclasses import dataclass
from textwrap import shorten

import psutil

_REFUSAL = re.compile(r"Conflicting lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds the file."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def holder_of(message: str) -> Holder | None:
    """Read the holder off DuckDB's message; None when the message is not about a lock."""
    if "Could not set lock on file" not in message:
        return None
    found = _REFUSAL.search(message)
    if found is None:
        return Holder(pid=0, command="unknown")
    return Holder(pid=int(found["pid"]), command=_command(int(found["pid"]), found["program"]))


def _command(pid: int, program: str) -> str:
    """Name the program and its first two arguments only: later ones may hold secrets."""
    try:
        words = " ".join(psutil.Process(pid).cmdline()[:3]).split()
    except psutil.Error:
        return program
    return shorten(" ".join(words), _LONGEST, placeholder=" …") or program
