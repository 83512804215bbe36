"""Turns what Python code prints in this process during a run into notices, so that it is masked and stays in order.

Models run in this process, and `--json` must write nothing but JSON lines to stdout.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.execution.events import NoticeKind
from orchestrator.execution.ports import Notices


class PrintedLines(io.TextIOBase):
    """A text stream that passes each complete line on; lines of different threads do not mix."""

    encoding = "utf-8"

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._unfinished = threading.local()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take a piece of a line, or several lines."""
        *lines, rest = (getattr(self._unfinished, "text", "") + text).split("\n")
        self._unfinished.text = rest
        for line in lines:
            if line.strip():
                self._take(line)
        return len(text)

    def close(self) -> None:
        """Stay open: a model that closes stdout must not end the output of the run."""


@contextmanager
def printed_as_notices(notices: Notices) -> Iterator[None]:
    """Post each line that is printed to stdout as a notice; reports keep the stream that they were opened with."""
    before = sys.stdout
    sys.stdout = PrintedLines(lambda line: notices.post(NoticeKind.PRINTED, line))
    try:
        yield
    finally:
        sys.stdout = before
