"""Which times of a schedule are started now, as the clock and the record say."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.config.schedule_settings import Catchup, OnBusySchedule, ScheduleRetry, ScheduleSettings, Trigger
from orchestrator.execution.recorded import Process
from orchestrator.scheduling.claims import (
    RecordedSchedule,
    RecordedTime,
    SkipCause,
    TimeKey,
    TimeState,
    next_claim,
    stopped,
    was_put_off,
    was_uninterrupted,
)
from orchestrator.scheduling.due import (
    ON_TIME,
    RecordedTimes,
    StartKind,
    due_times,
    resumes_left,
    time_at,
)
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
PROCESS = Process(host="here", pid=1, started_at=None, user="ada")


def schedule(**keys: object) -> ScheduleSettings:
    """Say how a schedule is written; it is hourly unless the keys say otherwise."""
    return ScheduleSettings(**{"name": "hourly", "cron": ("0 * * * *",), **keys})


def recorded(time: ScheduledTime, state: TimeState = TimeState.ENDED, **known: object) -> RecordedTime:
    """Say what the record has of a time."""
    return RecordedTime(
        **{
            "key": TimeKey(project="shop", schedule=time.schedule, logical_time=time.logical_time),
            "interval": time.interval,
            "state": state,
            "starts": 1,
            "claimed_at": time.logical_time,
            "beaten_at": time.logical_time,
            "process": PROCESS,
            **known,
        }
    )


def at(hours: float) -> datetime:
    """Give a time after midnight."""
    return MIDNIGHT + timedelta(hours=hours)


def what_is_due(one: ScheduleSettings, *times: RecordedTime, now: datetime, alive: bool = True, **more: object):
    """Ask what is due, with a schedule that exists since midnight."""
    known = RecordedSchedule(schedule=one.name, since=MIDNIGHT, definition="", paused_at=more.pop("paused_at", None))
    latest_first = sorted(times, key=lambda time: time.key.logical_time, reverse=True)
    record = RecordedTimes(schedule=known, times=latest_first, upstream=more.pop("upstream", ()))
    return due_times(one, record, now, is_alive=lambda _time: alive, **more)


def hours_of(due) -> list[float]:
    """Give the hours at which the started times are due."""
    return [(start.time.logical_time - MIDNIGHT) / timedelta(hours=1) for start in due.starts]


def ended(hour: float, **known: object) -> RecordedTime:
    """Say that the run of an hour ended."""
    return recorded(time_at(schedule(), at(hour)), **{"exit_code": 0, **known})


def test_nothing_is_due_before_the_first_time() -> None:
    """Times before the schedule was seen first are not due either."""
    due = what_is_due(schedule(), now=at(0.5))
    assert (due.starts, due.next_at) == ((), at(1))


def test_a_time_is_due_from_its_moment_on() -> None:
    """Not a microsecond earlier."""
    assert hours_of(what_is_due(schedule(), now=at(1) - timedelta(microseconds=1))) == []
    assert hours_of(what_is_due(schedule(), now=at(1))) == [1]


def test_the_interval_begins_at_the_time_before() -> None:
    """It ends at the time itself."""
    (start,) = what_is_due(schedule(cron=("0 9,17 * * *",)), now=at(17)).starts
    assert start.time.interval == DataInterval(start=at(9), end=at(17))


def test_after_a_long_sleep_latest_starts_one_run() -> None:
    """The others are recorded as missed, with what makes up for them."""
    due = what_is_due(schedule(), ended(1), now=at(30.5))
    assert hours_of(due) == [30]
    assert [skip.cause for skip in due.skips] == [SkipCause.MISSED] * 28
    assert due.skips[0].note == "nothing started it in time; 2026-11-02 06:00 UTC makes up for it"


def test_after_a_long_sleep_all_starts_the_first() -> None:
    """The next ones follow when it has ended, one at a time."""
    due = what_is_due(schedule(catchup=Catchup.ALL), ended(1), now=at(5.5))
    assert (hours_of(due), due.skips) == ([2], ())


@pytest.mark.parametrize(("late", "started"), [(ON_TIME, [3]), (ON_TIME + timedelta(seconds=1), [])])
def test_without_catchup_a_time_is_started_only_for_a_while(late: timedelta, started: list[float]) -> None:
    """Then it is missed."""
    due = what_is_due(schedule(catchup=Catchup.NONE), ended(1), ended(2), now=at(3) + late)
    assert hours_of(due) == started
    assert len(due.skips) == (not started)


def test_a_time_waits_for_the_run_of_the_time_before() -> None:
    """Two runs of one schedule are never in progress."""
    running = recorded(time_at(schedule(), at(1)), TimeState.RUNNING)
    due = what_is_due(schedule(), running, now=at(3.5))
    assert (due.starts, due.skips) == ((), ())


def test_with_skip_a_time_does_not_wait_for_the_one_before() -> None:
    """It is recorded as skipped."""
    running = recorded(time_at(schedule(), at(1)), TimeState.RUNNING)
    due = what_is_due(schedule(on_busy=OnBusySchedule.SKIP), running, now=at(2))
    assert [(skip.time.logical_time, skip.cause) for skip in due.skips] == [(at(2), SkipCause.BUSY)]


def test_a_run_whose_process_died_is_resumed_once_without_retries() -> None:
    """The second time it is lost."""
    dead = recorded(time_at(schedule(), at(1)), TimeState.RUNNING)
    (start,) = what_is_due(schedule(), dead, now=at(1.5), alive=False).starts
    assert (start.kind, start.time.logical_time) == (StartKind.RESUME, at(1))
    due = what_is_due(schedule(), replace(dead, starts=2), now=at(1.5), alive=False)
    assert (due.starts, due.lost) == ((), (replace(dead, starts=2),))


def test_a_failed_run_is_retried_when_its_time_has_come() -> None:
    """Until then the process that starts schedules waits for it. Without `retry`, now, it is not started again."""
    failed, again = ended(1, exit_code=1, again_at=at(1.2)), ScheduleRetry(runs=1)
    assert what_is_due(schedule(retry=again), failed, now=at(1.1)).next_at == at(1.2)
    (start,) = what_is_due(schedule(retry=again), failed, now=at(1.2)).starts
    assert start.kind is StartKind.RETRY
    assert what_is_due(schedule(), failed, now=at(1.1)).next_at == at(2)
    assert what_is_due(schedule(), failed, now=at(1.2)).starts == ()


def test_a_failed_run_is_not_retried_after_a_later_time() -> None:
    """The later run has built the same tables."""
    due = what_is_due(schedule(), ended(1, exit_code=1, again_at=at(2.2)), ended(2), now=at(2.3))
    assert due.starts == ()


@pytest.mark.parametrize(("runs", "starts", "left"), [(0, 1, False), (1, 1, True), (1, 2, False), (3, 3, True)])
def test_an_ended_run_is_started_again_as_often_as_retry_says(runs: int, starts: int, *, left: bool) -> None:
    """The first start is not a retry."""
    assert resumes_left(schedule(retry=ScheduleRetry(runs=runs)), ended(1, starts=starts)) is left


def test_a_paused_schedule_starts_nothing() -> None:
    """Nothing is recorded as missed meanwhile."""
    due = what_is_due(schedule(), now=at(9), paused_at=at(1))
    assert (due.starts, due.skips, due.next_at) == ((), (), None)


def test_a_time_in_a_maintenance_window_is_skipped_with_its_reason() -> None:
    """The time after the window runs."""
    due = what_is_due(schedule(), now=at(2.5), in_maintenance=lambda moment: "move" if moment < at(2) else None)
    assert [(skip.cause, skip.note) for skip in due.skips] == [(SkipCause.MAINTENANCE, "move")]
    assert hours_of(due) == [2]


def test_a_skipped_time_is_not_started() -> None:
    """A user skipped it before it came."""
    skipped = recorded(time_at(schedule(), at(1)), TimeState.SKIPPED, cause=SkipCause.USER)
    assert what_is_due(schedule(), skipped, now=at(1.5)).starts == ()


def test_a_clock_that_was_set_back_repeats_no_time() -> None:
    """The recorded times are in its future now."""
    due = what_is_due(schedule(), ended(1), ended(2), ended(3), now=at(2.5))
    assert (due.starts, due.next_at) == ((), at(3))


def test_a_schedule_after_another_gets_its_time_and_interval() -> None:
    """Only times that succeeded start it, each once."""
    nightly = ScheduledTime(schedule="nightly", logical_time=at(2), interval=DataInterval(start=at(0), end=at(2)))
    after = schedule(name="reports", cron=(), on=Trigger(schedule="nightly"))
    good = recorded(nightly, exit_code=0, ended_at=at(2.5))
    (start,) = what_is_due(after, now=at(3), upstream=[good]).starts
    assert (start.time.schedule, start.time.logical_time, start.time.interval) == ("reports", at(2), nightly.interval)
    assert what_is_due(after, recorded(start.time, exit_code=1), now=at(3), upstream=[good]).starts == ()
    assert what_is_due(after, now=at(3), upstream=[replace(good, exit_code=1)]).starts == ()


@dataclass
class World:
    """A clock, a record, and runs that end or die."""

    one: ScheduleSettings
    now: datetime = MIDNIGHT
    times: dict[datetime, RecordedTime] = field(default_factory=dict)
    dead: set[datetime] = field(default_factory=set)
    begun: Counter = field(default_factory=Counter)

    def wake(self) -> None:
        """Look once, as `elt schedule run --due` does."""
        due = due_times(
            self.one,
            RecordedTimes(
                schedule=RecordedSchedule(schedule=self.one.name, since=MIDNIGHT, definition=""),
                times=[self.times[key] for key in sorted(self.times, reverse=True)],
            ),
            self.now,
            is_alive=lambda time: time.key.logical_time not in self.dead,
        )
        assert len(due.starts) <= 1
        assert not {start.time for start in due.starts} & {skip.time for skip in due.skips}
        for skip in due.skips:
            assert skip.time.logical_time not in self.times
            self.times[skip.time.logical_time] = recorded(skip.time, TimeState.SKIPPED, cause=skip.cause)
        for time in due.lost:
            self.times[time.key.logical_time] = replace(time, state=TimeState.ENDED, exit_code=130)
        for start in due.starts:
            assert start.time.logical_time <= self.now
            assert not any(self.is_running(key) for key in self.times)
            before = self.times.get(start.time.logical_time)
            if start.kind is StartKind.RUN:
                assert before is None
                self.begun[start.time.logical_time] += 1
            starts = (before.starts if before else 0) + 1
            self.times[start.time.logical_time] = recorded(start.time, TimeState.RUNNING, starts=starts)
            self.dead.discard(start.time.logical_time)

    def is_running(self, key: datetime) -> bool:
        return self.times[key].state is TimeState.RUNNING and key not in self.dead

    def end(self, code: int) -> None:
        """Let what runs end with a code."""
        for key, time in self.times.items():
            if self.is_running(key):
                one = replace(time, state=TimeState.ENDED, exit_code=code)
                again = self.now if code and resumes_left(self.one, one) else None
                self.times[key] = replace(one, again_at=again)

    def kill(self) -> None:
        """Let the process of what runs die."""
        self.dead |= {key for key in self.times if self.is_running(key)}


STEPS = st.lists(
    st.one_of(
        st.integers(min_value=-120, max_value=600).map(lambda minutes: ("sleep", minutes)),
        st.sampled_from([("end", 0), ("end", 1), ("kill", 0), ("wake", 0), ("wake", 0)]),
    ),
    max_size=60,
)


@example([("sleep", 60), ("wake", 0), ("sleep", -1), ("end", 1)], Catchup.NONE, OnBusySchedule.WAIT, 1)
@given(STEPS, st.sampled_from(Catchup), st.sampled_from(OnBusySchedule), st.integers(min_value=0, max_value=2))
def test_each_time_begins_at_most_once_whatever_happens(
    steps: list[tuple[str, int]], catchup: Catchup, on_busy: OnBusySchedule, retries: int
) -> None:
    """Sleeps, clocks that are set back, failures and deaths; with `all`, none is lost either."""
    world = World(schedule(catchup=catchup, on_busy=on_busy, retry=ScheduleRetry(runs=retries)))
    for what, value in steps:
        match what:
            case "sleep":
                world.now = max(MIDNIGHT, world.now + timedelta(minutes=value))
            case "end":
                world.end(value)
            case "kill":
                world.kill()
            case "wake":
                world.wake()
    assert all(count == 1 for count in world.begun.values())
    latest = world.now
    for _ in range(3000):  # until nothing is left to do
        before = dict(world.times)
        world.wake()
        world.end(0)
        if before == world.times:
            break
    hours = int((latest - MIDNIGHT) / timedelta(hours=1))
    assert all(at(hour) in world.times for hour in range(1, hours + 1)), "each time has an entry"
    if catchup is Catchup.ALL and on_busy is not OnBusySchedule.SKIP:
        assert {at(hour) for hour in range(1, hours + 1)} <= set(world.begun)


def test_an_orderly_end_of_the_process_is_resumed_at_once_and_uses_up_nothing() -> None:
    """What follows counts again: the failure of the resumed run is a start more."""
    time = stopped(ended(1, exit_code=130), at=at(1.5))
    (start,) = what_is_due(schedule(), time, now=at(1.5)).starts
    assert (start.kind, start.note) == (StartKind.RESUME, "its process was asked to end")
    starts, note = next_claim(time)
    resumed = replace(time, starts=starts, note=note, exit_code=1, put_off=None)
    assert (starts, next_claim(resumed)) == (1, (2, ""))
    assert next_claim(stopped(resumed, at=at(1.7)))[0] == 1
    assert [was_uninterrupted(one) for one in (ended(1), time, resumed)] == [True, False, False]


def test_the_words_of_a_note_put_no_time_off() -> None:
    """An error of a run may have the same ones."""
    time = replace(ended(1, exit_code=2), note=stopped(ended(1), at=at(1)).note)
    assert not was_put_off(time)
    assert next_claim(time) == (2, "")
