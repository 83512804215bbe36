"""Turns Ctrl-C, SIGTERM and SIGHUP into a stop request during a run."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.execution.stopping import StopRequest
from orchestrator.interruption import Interruption

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a run; SIGHUP is not one of them if it is ignored, as under `nohup`."""
    return tuple(one for one in _SIGNALS if one is not signal.SIGHUP or signal.getsignal(one) is not signal.SIG_IGN)


@contextmanager
def stop_on_signals(stop: StopRequest) -> Iterator[Callable[[int], None]]:
    """Let the first signal ask the run to end, the second insist, and a third raise KeyboardInterrupt as usual.

    The function that is yielded is called with the run's exit code when the run has ended: the command line then exits
    with it, whatever signal comes later. Python delivers signals to the main thread only: on another thread this does
    nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda _code: None
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.insisted:
            raise KeyboardInterrupt
        stop.press()

    before = {number: signal.signal(number, handle) for number in heeded_signals()}
    if any(isinstance(handler, Interruption) and handler.is_asked for handler in before.values()):
        stop.press()  # it was asked to end before, and something swallowed the exception

    def ended(code: int) -> None:
        for handler in before.values():
            if isinstance(handler, Interruption):
                handler.exit_code = code

    try:
        yield ended
    finally:
        for number, handler in before.items():
            # None: the handler was not installed by Python and cannot be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
