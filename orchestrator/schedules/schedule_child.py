"""Starts the processes that run schedules, and copies what they write line by line, each after its schedule's name."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO

_LAST_LINES = 5.0  # seconds: a program that a run has left behind may keep the pipe open
_WRITING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleChild:
    """A process that runs one time of a schedule."""

    process: "subprocess.Popen[bytes]"
    copiers: tuple[threading.Thread, ...] = ()

    def drain(self) -> None:
        """Wait until the last lines of a process that has ended are copied."""
        for copier in self.copiers:
            copier.join(_LAST_LINES)


def start_child(words: Sequence[str], *, prefix: str | None, is_json: bool) -> ScheduleChild:
    """Start `elt` with these words.

    Without a prefix, it writes to the streams of this process. With one, its lines are copied whole, each after the
    prefix; JSON lines get none. If this process ends, the child runs on
    without output.
    """
    command = [sys.executable, "-P", "-m", "orchestrator", *words]
    if prefix is None:
        return ScheduleChild(process=subprocess.Popen(command, stdin=subprocess.DEVNULL))
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    assert process.stderr is not None
    ways = ((process.stdout, sys.stdout, "" if is_json else prefix), (process.stderr, sys.stderr, prefix))
    copiers = [threading.Thread(target=_copy, args=way, name="elt-schedule-lines", daemon=True) for way in ways]
    for copier in copiers:
        copier.start()
    return ScheduleChild(process=process, copiers=tuple(copiers))


def _copy(source: BinaryIO, target: TextIO, prefix: str) -> None:
    with source:
        for line in source:
            text = line.decode("utf-8", errors="replace").rstrip("\r\n")
            with _WRITING:
                target.write(f"{prefix}{text}\n")
                target.flush()
