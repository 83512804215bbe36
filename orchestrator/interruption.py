"""Defines what a signal means to the command line: it interrupts, but a run that has ended keeps its exit code."""

import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


class Interruption:
    """The signal handler of the command line; raises KeyboardInterrupt, as Python does for Ctrl-C."""

    def __init__(self) -> None:
        self.exit_code = INTERRUPTED
        """The exit code of a command that is interrupted now: that of its run, once the run has ended."""
        self.is_asked = False
        """Whether there was a signal. Whatever runs then may swallow the KeyboardInterrupt, as dbt does in places."""

    def __call__(self, _number: int, _frame: FrameType | None) -> NoReturn:
        """Interrupt the command."""
        self.is_asked = True
        raise KeyboardInterrupt

    def install(self) -> None:
        """Handle Ctrl-C, SIGTERM and SIGHUP from now on, except those that are ignored, as SIGHUP under nohup."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self)
