"""The end of a run is estimated beside the run, which never waits for it and never fails because of it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from orchestrator.estimates.deadlines import Deadline, Lateness
from orchestrator.estimates.forecast import Forecast
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Estimated, Event, Noticed, RunEnded, RunStarted, StepStarted
from orchestrator.execution.inbox import Inbox
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.wiring import estimating
from orchestrator.wiring.estimating import NobodyToTell, RunEstimates
from tests.factories import make_plan
from tests.unit.estimates.histories import forecast

PLAN = make_plan("a -> b")
SLOW = {"a": [1000.0] * 8, "b": [1000.0] * 8}


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "_EVERY", 0.02)
    monkeypatch.setattr(estimating, "_SHARE", 1.0)


class Expecting:
    """A listener that keeps what is expected."""

    def __init__(self) -> None:
        self.expected: list[Estimated] = []

    def hear(self, event: Event) -> None:
        del event

    def expect(self, estimated: Estimated) -> None:
        self.expected.append(estimated)


class Late:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Lateness] = []

    def late(self, run_id: str | None, lateness: Lateness, now: datetime) -> None:
        self.told.append(lateness)
        raise RuntimeError("no network")


def now() -> datetime:
    return datetime.now(UTC)


def begun(audience: Audience) -> None:
    """Tell of a run whose first step has started."""
    audience.tell(RunStarted(at=now(), plan=PLAN, database=""))
    audience.tell(StepStarted(at=now(), step_id=StepId("a")))


def ended(audience: Audience) -> None:
    audience.tell(RunEnded(at=now(), status=Status.SUCCESS, outcomes=()))


def estimates(audience: Audience, inbox: Inbox, make: Callable[[], Forecast | None], **known) -> RunEstimates:
    made = RunEstimates(make, known.get("deadlines", ()), audience, inbox, known.get("late", NobodyToTell()))
    audience.join(made)
    return made


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_the_expected_end_is_sent_while_the_run_goes_on() -> None:
    """Once, as long as it does not change much; nothing is sent of a run that is nearly done."""
    listener, inbox = Expecting(), Inbox()
    with Audience([listener], now) as audience, estimates(audience, inbox, lambda: forecast(PLAN, SLOW)) as made:
        found = made.at_start()
        assert found is not None
        assert found.seconds == pytest.approx(2000, rel=0.1)
        begun(audience)
        until(lambda: listener.expected)
        ended(audience)
    assert len(listener.expected) == 1
    assert listener.expected[0].end > now() + timedelta(seconds=1500)
    assert inbox.notices() == ()


def test_a_run_that_will_miss_its_deadline_warns_before() -> None:
    """One warning, also if whoever is told of it raises."""
    late, inbox = Late(), Inbox()
    deadline = Deadline(name="schedule nightly", at=now() + timedelta(seconds=900))
    with Audience([], now) as audience:
        make = partial(forecast, PLAN, SLOW)
        with estimates(audience, inbox, make, deadlines=[deadline], late=late):
            begun(audience)
            until(lambda: late.told)
            time.sleep(0.2)
    assert len(late.told) == 1
    (warning,) = inbox.notices()
    assert isinstance(warning, Noticed)
    assert warning.message.startswith("late: schedule nightly: expected ")
    assert warning.message.endswith("slowest remaining: model a, model b")


def test_without_a_record_a_deadline_that_passes_is_noticed() -> None:
    """There is no estimate, but a clock."""
    late, inbox = Late(), Inbox()
    with Audience([], now) as audience:
        deadline = Deadline(name="exposure report", at=now() + timedelta(seconds=0.3), steps=frozenset({StepId("b")}))
        with estimates(audience, inbox, lambda: None, deadlines=[deadline], late=late) as made:
            assert made.at_start() is None
            begun(audience)
            until(lambda: late.told)


def test_an_error_of_the_estimate_reaches_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log."""

    def broken() -> Forecast:
        raise RuntimeError("no durations")

    with Audience([], now) as audience, estimates(audience, Inbox(), broken) as made:
        assert made.at_start() is None
        begun(audience)
        ended(audience)
    assert "could not be estimated" in caplog.text


def test_a_slow_estimate_does_not_delay_the_start() -> None:
    """The run starts without it."""
    released = threading.Event()

    def slow() -> None:
        released.wait(20)

    with Audience([], now) as audience, estimates(audience, Inbox(), slow) as made:
        began = time.monotonic()
        assert made.at_start() is None
        assert time.monotonic() - began < 5
        released.set()
