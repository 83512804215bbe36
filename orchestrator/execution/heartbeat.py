"""Records heartbeats from a thread of its own, while this process plans, waits or works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS = 5.0  # between two heartbeats


def wait_for_next(ended: threading.Event) -> bool:
    """Wait until the next heartbeat is due or the work has ended; return whether it has ended."""
    return ended.wait(_SECONDS)


@contextmanager
def beating(
    beat: Callable[[], object], *, is_over: Callable[[threading.Event], bool] = wait_for_next
) -> Iterator[None]:
    """Call `beat`, which must not raise, at intervals until the context exits."""
    ended = threading.Event()

    def go_on() -> None:
        while not is_over(ended):
            beat()

    beats = threading.Thread(target=go_on, name="elt-heartbeat", daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()
