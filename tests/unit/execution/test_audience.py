"""Listeners receive everything in order, and whatever they do, the run neither waits for them nor changes."""

import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import pytest

from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.events import Event, Noticed, NoticeKind, StepEnded
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import Opening, Process
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.store.memory import MemoryStore
from tests.factories import make_plan
from tests.fakes.clock import NOON, FixedClock
from tests.fakes.listener import RaisingListener, RecordingListener, line_of
from tests.fakes.step_runner import FakeStepRunner, one_runner

PROCESS = Process(host="laptop", pid=4711, started_at=NOON, user="ada")
PLAN = make_plan(", ".join(f"root -> broken -> s{n}, root -> m{n} -> n{n}" for n in range(40)))


class SlowListener(RecordingListener):
    """Needs a while for each event."""

    def hear(self, event: Event) -> None:
        time.sleep(0.002)
        super().hear(event)


class BlockingListener:
    """Does not return from the first event that contains these words, until it is released."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.reached = threading.Event()
        self.released = threading.Event()
        self.lines: list[str] = []

    def hear(self, event: Event) -> None:
        self.lines.append(line_of(event))
        if self.words in self.lines[-1]:
            self.reached.set()
            self.released.wait(60)


def run(plan: Plan, audience: Audience, store: MemoryStore | None) -> tuple[Outcome, ...]:
    """Run a plan in which `broken` is an error; what the audience misses is read from the store."""
    clock = FixedClock()
    inbox, terms = Inbox(clock), RunTerms(run_id="r1", database="d")
    writer = (
        None if store is None else store.writer(Opening(run_id="r1", started_at=NOON, verb="build", process=PROCESS))
    )

    def reread(first: int, last: int) -> Iterable[Event]:
        assert store is not None
        return [event for event in store.reader().events("r1", first - 1) if event.sequence <= last]

    with audience.rereading(reread):
        return run_plan(
            plan,
            thread_executors(one_runner(FakeStepRunner({"broken": Status.ERROR})), terms.limits, inbox, clock),
            terms=terms,
            chronicle=Chronicle(audience, inbox, clock, writer=writer),
            inbox=inbox,
            clock=clock,
            stop=StopRequest(),
        )


@pytest.mark.parametrize("store", [MemoryStore(), None], ids=["recorded", "not recorded"])
def test_a_slow_listener_with_a_short_queue_misses_nothing(store: MemoryStore | None) -> None:
    """What does not fit into a queue of two is read from the record; without a record everything is queued."""
    slow, quick = SlowListener(), RecordingListener()
    with Audience([slow, quick], FixedClock(), most=2) as audience:
        outcomes = run(PLAN, audience, store)
    ends = {outcome.step_id: f"{outcome.step_id} {outcome.status}" for outcome in outcomes}
    told = [event.outcome.step_id for event in slow.events if isinstance(event, StepEnded)]
    assert sorted(told) == sorted(ends)
    assert slow.events == quick.events
    assert (slow.lines[0], slow.lines[-1]) == ("run", "end error")
    if store is not None:
        assert slow.events == list(store.reader().events("r1"))


def test_a_slow_listener_does_not_delay_the_run() -> None:
    """The run has ended long before the listener has received its first event."""
    blocking = BlockingListener("run")
    with Audience([blocking], FixedClock()) as audience:
        outcomes = run(make_plan("a -> b"), audience, None)
        assert [outcome.status for outcome in outcomes] == [Status.SUCCESS, Status.SUCCESS]
        assert blocking.lines in ([], ["run"])
        blocking.released.set()
    assert blocking.lines[-1] == "end success"


def test_a_listener_that_never_returns_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """After the patience the others receive the rest, and that one listener is missing something; a log says so."""
    blocking, before, after = BlockingListener("start b"), RecordingListener(), RecordingListener()
    patience = timedelta(seconds=0.2)
    with (
        caplog.at_level(logging.WARNING),
        Audience([before, blocking, after], FixedClock(), patience=patience) as audience,
    ):
        run(make_plan("a -> b -> c"), audience, None)
    warning = "warning: BlockingListener did not return for 0.2 s; it receives no more events of this run"
    expected = ["run", "start a", "a success", "start b", "b success", "start c", "c success", "end success"]
    for listener in (before, after):
        assert sorted(listener.lines) == sorted([*expected, warning])
        assert [line for line in listener.lines if line != warning] == expected
    assert blocking.lines[-1] == "start b"
    assert warning.removeprefix("warning: ") in caplog.text
    blocking.released.set()


def test_a_listener_that_never_returns_is_passed_over_during_the_run() -> None:
    """The next event after the patience goes to the others, although the run goes on."""
    blocking, other = BlockingListener("one"), RecordingListener()
    audience = Audience([blocking, other], FixedClock(), patience=timedelta(seconds=0.05))
    audience.tell(note("one"))
    assert blocking.reached.wait(60)
    time.sleep(0.1)
    audience.tell(note("two"))
    until(lambda: "note: two" in other.lines)
    assert other.lines[0] == "note: one"
    blocking.released.set()


def test_without_a_limit_the_end_waits_for_a_listener() -> None:
    """As a program waits for the reader of its output."""
    blocking = BlockingListener("one")
    threading.Timer(0.2, blocking.released.set).start()
    with Audience([blocking], FixedClock(), patience=None) as audience:
        audience.tell(note("one"))
        audience.tell(note("two"))
    assert blocking.lines == ["note: one", "note: two"]


@pytest.mark.parametrize("patience", [None, timedelta(seconds=600)])
@pytest.mark.parametrize("way", ["a stopped run", "Ctrl-C before the run"])
def test_the_end_of_a_stopped_run_waits_only_a_while(
    monkeypatch: pytest.MonkeyPatch, patience: timedelta | None, way: str
) -> None:
    """A reader that lives and does not read must not keep the process; it receives nothing more later."""
    monkeypatch.setattr("orchestrator.execution.audience.LONGEST_AFTER_STOP", timedelta(seconds=0.2))
    blocking, began, others = BlockingListener("one"), time.monotonic(), set(threading.enumerate())
    with suppress(KeyboardInterrupt), Audience([blocking], FixedClock(), patience=patience) as audience:
        audience.tell(note("one"))
        audience.tell(note("two"))
        assert blocking.reached.wait(60)
        if way == "Ctrl-C before the run":
            raise KeyboardInterrupt
        audience.note_stop()
    assert time.monotonic() - began < 60
    (worker,) = set(threading.enumerate()) - others
    blocking.released.set()
    worker.join(60)
    assert not worker.is_alive()
    assert blocking.lines == ["note: one"]


def test_the_end_of_a_stopped_run_waits_for_a_listener_that_receives() -> None:
    """The limit is for one that does not."""
    slow = SlowListener()
    with Audience([slow], FixedClock(), patience=None) as audience:
        for number in range(50):
            audience.tell(note(str(number)))
        audience.note_stop()
    assert len(slow.lines) == 50


def test_an_event_can_be_sent_at_once() -> None:
    """A question to the user is asked after the live view has made way; once the run has begun, nothing waits."""
    blocking = BlockingListener("run")
    with Audience([blocking], FixedClock()) as audience:
        audience.tell_at_once(note("Rebuild it?"))
        assert blocking.lines == ["note: Rebuild it?"]
        run(make_plan("a"), audience, None)
        audience.tell_at_once(note("a copy is written"))
        assert "note: a copy is written" not in blocking.lines
        blocking.released.set()
    assert blocking.lines[-2:] == ["end success", "note: a copy is written"]


def test_what_cannot_be_read_again_is_reported() -> None:
    """A record that cannot be read costs the listeners some events, says so, and nothing else."""
    blocking = BlockingListener("note: 1")

    def reread(first: int, last: int) -> Iterable[Event]:
        raise OSError("the disk is gone")

    with Audience([blocking], FixedClock(), most=1) as audience:
        with audience.rereading(reread):
            audience.tell(note("1"), 1)
            assert blocking.reached.wait(60)
            for number in range(2, 6):
                audience.tell(note(str(number)), number)
        blocking.released.set()
        audience.tell(note("6"))
    assert blocking.lines == [
        "note: 1", "note: 2", "warning: events 3 to 5 of the run are not shown: the disk is gone", "note: 6"
    ]  # fmt: skip


def test_a_listener_that_exits_ends_nothing() -> None:
    """`sys.exit()` in a listener does not end the thread of the others."""
    exiting, other = RaisingListener(SystemExit(1)), RecordingListener()
    with Audience([exiting, other], FixedClock()) as audience:
        audience.tell(note("one"))
        audience.tell(note("two"))
    warning = "warning: RaisingListener could not handle an event: SystemExit: 1"
    assert other.lines == ["note: one", warning, "note: two"]
    assert exiting.heard == 2


def test_nobody_listens() -> None:
    """Without listeners no thread is started."""
    threads = threading.active_count()
    with Audience([], FixedClock()) as audience:
        audience.tell(note("one"))
        assert threading.active_count() == threads


def note(message: str) -> Noticed:
    return Noticed(at=NOON, kind=NoticeKind.NOTE, message=message)


def until(is_true: object) -> None:
    deadline = time.monotonic() + 60
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)
