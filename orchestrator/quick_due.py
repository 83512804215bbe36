"""Answers `elt schedule run --due` in milliseconds when nothing can be due, without importing the rest of elt.

cron and systemd ask every minute. After a look that found nothing to do, a note in `.elt` says until when that holds,
and which files the answer depended on: elt.yml, and the record of runs, to which everything is written that can make a
time due earlier. If the clock is past that, or one of the files is not as it was, the whole look is made again.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from orchestrator import __version__

_NOTE = "schedule-due"
_WORDS = ["schedule", "run", "--due"]
_NO_FILE = "0 0"


def nothing_is_due(words: list[str]) -> bool:
    """Return whether a command line asks what is due, and a note of an earlier look says that nothing is."""
    if words[:3] != _WORDS:
        return False
    match words[3:]:
        case []:
            folder = os.getcwd()  # noqa: PTH109  # pathlib would take half of the time
        case ["--project-dir", folder]:
            pass
        case _:
            return False
    try:
        with open(f"{folder}/.elt/{_NOTE}", encoding="utf-8") as file:  # noqa: PTH123
            head, *files = file.read().splitlines()
        version, written, until = head.split(" ")
        return (
            version == __version__
            and float(written) <= time.time() < float(until)  # also not when the clock was set back
            and all(state == _state(path) for state, _, path in (line.partition("\t") for line in files))
        )
    except (OSError, ValueError):
        return False


def note_nothing_due(folder: Path, *, until: float, files: Iterable[Path]) -> None:
    """Write a note that nothing is due until a time (in seconds of the epoch), while these files stay as they are.

    The note is an optimization: an error that keeps it from being written is ignored.
    """
    lines = [f"{__version__} {time.time()} {until}", *(f"{_state(str(path))}\t{path}" for path in files)]
    path = folder / ".elt" / _NOTE
    unfinished = path.with_name(f"{_NOTE}.{os.getpid()}")
    try:
        unfinished.write_text("\n".join(lines), encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)


def _state(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return _NO_FILE
    return f"{found.st_mtime_ns} {found.st_size}"
