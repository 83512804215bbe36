"""The inbox gives what was left in it in order, and waiting for more always ends."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.inbox import Inbox
from tests.factories import NOON, make_outcome


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(lambda: NOON)


@pytest.fixture
def slow_handler() -> Iterator[None]:
    """Handle SIGUSR1 by sleeping longer than the tests wait."""
    before = signal.signal(signal.SIGUSR1, lambda *_: time.sleep(0.05))
    yield
    signal.signal(signal.SIGUSR1, before)


def test_entries_survive_the_round_trip(inbox: Inbox) -> None:
    """Outcomes and notices share one order; an empty inbox gives None."""
    inbox.deliver(make_outcome("a"))
    inbox.post(NoticeKind.WARNING, "careful")
    assert inbox.take(0) == make_outcome("a")
    assert inbox.take(1) == Noticed(at=NOON, kind=NoticeKind.WARNING, message="careful")
    assert inbox.take(0) is None


def test_a_signal_near_the_end_of_a_wait_does_not_prolong_it(inbox: Inbox, slow_handler: None) -> None:
    """A signal whose handling outlasts the wait leaves it over, not without a limit."""
    main = threading.get_ident()
    sender = threading.Timer(0.01, lambda: signal.pthread_kill(main, signal.SIGUSR1))
    sender.start()
    assert inbox.take(0.03) is None
    sender.join()
