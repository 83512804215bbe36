"""Lets a process that tests start end with them, however they end."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_the_parent(number: signal.Signals) -> None:
    """Have this process sent a signal when its parent ends, even by kill -9; where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
