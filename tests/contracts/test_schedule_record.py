"""What every record of schedules promises, whatever it is kept in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest

from orchestrator.errors import NothingRecordedError
from orchestrator.execution.recorded import Process
from orchestrator.scheduling.claims import (
    RecordedTime,
    SkipCause,
    TimeKey,
    TimeState,
    out_of_room,
    stopped,
    was_put_off,
)
from orchestrator.scheduling.schedule_ports import ProjectStore, ScheduleRecord
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from orchestrator.timetable.scheduled_time import DataInterval
from tests.fakes.clock import NOON
from tests.functional.postgres.server import PASSWORD, Server, running_server

PROCESS = Process(host="laptop", pid=4711, started_at=NOON - timedelta(minutes=1), user="ada")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[ProjectStore]]:
    """Two stores on one new database, as two processes have them."""
    url = "history.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        database = f"schedules_{uuid4().hex}"
        server.rows(f"create database {database}")
        url = f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{database}"
    made = [SqlStore(store_url(url, tmp_path)) for _ in range(2)]
    yield made
    for one in made:
        one.close()


@pytest.fixture
def record(stores: list[ProjectStore]) -> ScheduleRecord:
    """The record of the first store."""
    return stores[0].schedule_record()


def time(hour: int = 0, **known: object) -> RecordedTime:
    """Say that a process has claimed one time."""
    at = NOON + timedelta(hours=hour)
    return RecordedTime(
        **{
            "key": TimeKey(project="shop", schedule="nightly", logical_time=at),
            "interval": DataInterval(start=at - timedelta(hours=1), end=at),
            "state": TimeState.RUNNING,
            "run_id": "r1",
            "starts": 1,
            "claimed_at": at,
            "beaten_at": at,
            "process": PROCESS,
            **known,
        }
    )


def test_a_time_is_claimed_once(record: ScheduleRecord) -> None:
    """The record then has it as it was written."""
    assert record.claim(time())
    assert not record.claim(replace(time(), run_id="r2"))
    assert record.time(time().key) == time()


def test_of_two_processes_one_claims_a_time(stores: list[ProjectStore]) -> None:
    """They begin at the same moment."""
    records = [store.schedule_record() for store in stores]
    for _ in range(5):
        for record in records:
            record.times("shop", "nightly")  # opens the store
        barrier = Barrier(2)

        def claim(record: ScheduleRecord, barrier: Barrier = barrier, hour: int = _) -> bool:
            barrier.wait()
            return record.claim(time(hour))

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(claim, records)) == [False, True]


def test_a_time_is_taken_over_only_as_it_was_read(record: ScheduleRecord) -> None:
    """Its process may have had a heartbeat since, and is alive then."""
    record.claim(time())
    other = replace(time(), process=replace(PROCESS, pid=1), claimed_at=NOON + timedelta(hours=9))
    record.beat(time(), at=NOON + timedelta(minutes=1))
    assert not record.claim(other, instead_of=time())
    assert record.claim(other, instead_of=record.time(time().key))
    assert record.time(time().key) == other


def test_a_process_whose_time_was_taken_over_records_nothing(record: ScheduleRecord) -> None:
    """Neither an end nor a heartbeat."""
    other = replace(time(), process=replace(PROCESS, pid=1))
    record.claim(other)
    assert not record.update(replace(time(), state=TimeState.ENDED, exit_code=0))
    record.beat(time(), at=NOON + timedelta(hours=1))
    assert record.time(time().key) == other


def test_the_end_of_a_time_is_recorded(record: ScheduleRecord) -> None:
    """With its exit code, and when it is started again."""
    record.claim(time())
    end = replace(
        time(), state=TimeState.ENDED, exit_code=1, ended_at=NOON, again_at=NOON + timedelta(minutes=10), note="why"
    )
    assert record.update(end)
    assert record.time(time().key) == end


def test_why_a_time_was_put_off_is_recorded(record: ScheduleRecord) -> None:
    """And that a later end was not."""
    claimed = time()
    record.claim(claimed)
    later = claimed.claimed_at + timedelta(minutes=1)
    for put_off in (out_of_room(claimed, at=later, again_at=later), stopped(claimed, at=later)):
        record.update(put_off)
        assert record.time(claimed.key) == put_off
        assert was_put_off(record.time(claimed.key))
    record.update(replace(claimed, state=TimeState.ENDED, exit_code=1, note="a disk was full"))
    assert not was_put_off(record.time(claimed.key))


def test_times_are_listed_latest_first(record: ScheduleRecord) -> None:
    """As many as are asked for, from a moment on."""
    for hour in (0, 2, 1):
        record.claim(time(hour))
    record.claim(replace(time(), key=replace(time().key, schedule="other")))
    record.claim(replace(time(), key=replace(time().key, project="other")))
    assert record.times("shop", "nightly") == (time(2), time(1), time(0))
    assert record.times("shop", "nightly", limit=1) == (time(2),)
    assert record.times("shop", "nightly", since=time(1).key.logical_time) == (time(2), time(1))


def test_the_latest_times_of_several_schedules_are_read_with_one_query(record: ScheduleRecord) -> None:
    """As many of each as are asked for, latest first; a schedule without times is omitted."""
    other = replace(time(), key=replace(time().key, schedule="other"))
    for one in (time(0), time(2), time(1), other, replace(time(), key=replace(time().key, project="other"))):
        record.claim(one)
    found = record.latest_times("shop", {"nightly", "other", "none"}, limit=2)
    assert found == {"nightly": (time(2), time(1)), "other": (other,)}
    assert record.latest_times("shop", set(), limit=2) == {}


def test_a_reader_of_schedules_creates_nothing(stores: list[ProjectStore]) -> None:
    """Before the first record it says that nothing is recorded; then it reads what another process has recorded."""
    reader, other = stores
    with pytest.raises(NothingRecordedError):
        reader.schedule_reader().schedules("shop")
    assert reader.is_empty()
    other.schedule_record().see("shop", {"nightly": "a"}, at=NOON)
    assert not reader.is_empty()
    assert reader.schedule_reader().schedules("shop")["nightly"].since == NOON


def test_versions_are_read_for_all_schedules_at_once(record: ScheduleRecord) -> None:
    """A schedule that was looked at has an entry, even if nothing was found."""
    record.note_versions("shop", "landing", {"a.csv": "1", "b.csv": "2"})
    record.note_versions("shop", "empty", {})
    record.note_versions("other", "landing", {"c.csv": "3"})
    assert record.versions("shop") == {"landing": {"a.csv": "1", "b.csv": "2"}, "empty": {}}


def test_open_times_are_those_that_run_or_run_again(record: ScheduleRecord) -> None:
    """Of all schedules of a project, earliest first."""
    running, again = time(1), replace(time(0), state=TimeState.ENDED, exit_code=1, again_at=NOON)
    for one in (running, again, replace(time(2), state=TimeState.ENDED, exit_code=0)):
        record.claim(one)
    assert record.open_times("shop") == (again, running)


def test_a_schedule_begins_when_it_is_seen_first(record: ScheduleRecord) -> None:
    """Another definition begins anew."""
    record.see("shop", {"nightly": "a", "hourly": "b"}, at=NOON)
    later = NOON + timedelta(days=1)
    seen = record.see("shop", {"nightly": "a", "hourly": "c"}, at=later)
    assert (seen["nightly"].since, seen["hourly"].since) == (NOON, later)
    assert record.schedules("other") == {}


def test_a_pause_ends_with_a_new_beginning(record: ScheduleRecord) -> None:
    """Times during the pause are not due afterwards."""
    record.see("shop", {"nightly": "a"}, at=NOON)
    assert record.pause("shop", "nightly", at=NOON + timedelta(hours=1), by="ada@laptop")
    assert not record.pause("shop", "nightly", at=NOON + timedelta(hours=2), by="eve@laptop")
    paused = record.schedules("shop")["nightly"]
    assert (paused.paused_at, paused.paused_by) == (NOON + timedelta(hours=1), "ada@laptop")
    end = NOON + timedelta(hours=3)
    assert record.unpause("shop", "nightly", at=end)
    assert not record.unpause("shop", "nightly", at=end)
    assert (record.schedules("shop")["nightly"].since, record.schedules("shop")["nightly"].paused_at) == (end, None)


def test_a_pause_does_not_end_when_a_schedule_is_gone_for_a_moment(record: ScheduleRecord) -> None:
    """An editor may write an empty file first; the schedule begins anew when it is back."""
    record.see("shop", {"nightly": "a"}, at=NOON)
    record.pause("shop", "nightly", at=NOON, by="ada@laptop")
    record.see("shop", {}, at=NOON + timedelta(hours=1))
    seen = record.see("shop", {"nightly": "a"}, at=NOON + timedelta(hours=2))["nightly"]
    assert (seen.paused_at, seen.since) == (NOON, NOON + timedelta(hours=2))


def test_skipped_times_are_recorded_together_unless_they_are_known(record: ScheduleRecord) -> None:
    """What ran stays in the record."""
    record.claim(time(1))
    skipped = [replace(time(hour), state=TimeState.SKIPPED, cause=SkipCause.MISSED) for hour in (0, 1, 2)]
    record.skip(skipped)
    record.skip([])
    assert record.times("shop", "nightly") == (skipped[2], time(1), skipped[0])


def test_only_a_time_that_a_user_skipped_can_be_forgotten(record: ScheduleRecord) -> None:
    """One that was missed stays in the record."""
    record.claim(replace(time(0), state=TimeState.SKIPPED, cause=SkipCause.USER))
    record.claim(replace(time(1), state=TimeState.SKIPPED, cause=SkipCause.MISSED))
    assert record.forget(time(0).key)
    assert not record.forget(time(0).key)
    assert not record.forget(time(1).key)


def test_the_record_survives_the_process(stores: list[ProjectStore]) -> None:
    """Another store on the same database reads it."""
    with closing(stores[0]) as first:
        first.schedule_record().claim(time())
    assert stores[1].schedule_record().time(time().key) == time()
