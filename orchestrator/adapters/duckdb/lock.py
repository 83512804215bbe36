"""Finds the process that has a DuckDB file locked, from DuckDB's error message."""

import re
from dataclasses import dataclass
from textwrap import shorten

import psutil

_REFUSAL = re.compile(r"Conflicting lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that has the file locked."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def holder_of(message: str) -> Holder | None:
    """Return the process named in DuckDB's message; None if the message is not about a lock."""
    if "Could not set lock on file" not in message:
        return None
    found = _REFUSAL.search(message)
    if found is None:
        return Holder(pid=0, command="unknown")
    return Holder(pid=int(found["pid"]), command=_command(int(found["pid"]), found["program"]))


def _command(pid: int, program: str) -> str:
    """Return the program and its first two arguments only: later ones may contain secrets."""
    try:
        words = " ".join(psutil.Process(pid).cmdline()[:3]).split()
    except psutil.Error:
        return program
    return shorten(" ".join(words), _LONGEST, placeholder=" …") or program
