"""A run that waits for another schedule: its last time at or before our own must have succeeded."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.conditions.answer import AnswerState
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.execution.liveness import this_process
from orchestrator.scheduling.claims import RecordedTime, SkipCause, TimeKey, TimeState
from orchestrator.scheduling.succeeded import last_time_succeeded
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from orchestrator.timetable.scheduled_time import DataInterval

NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
HOURLY = ScheduleSettings(name="ingest", cron=("30 * * * *",))
TIME = RecordedTime(
    key=TimeKey(project="shop", schedule="ingest", logical_time=datetime(2026, 11, 29, 1, 30, tzinfo=UTC)),
    interval=DataInterval(start=NOW, end=NOW),
    state=TimeState.RUNNING,
    claimed_at=NOW,
    beaten_at=NOW,
    process=this_process(),
)
OF = "its time of 2026-11-29 01:30 UTC"


@pytest.fixture
def store(tmp_path):
    store = SqlStore(store_url("history.db", tmp_path))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("recorded", "state", "note"),
    [
        (None, AnswerState.NOT_YET, f"{OF} has not run yet"),
        ({"state": TimeState.RUNNING}, AnswerState.NOT_YET, f"{OF} is running"),
        ({"state": TimeState.ENDED, "exit_code": 0}, AnswerState.TRUE, f"{OF} succeeded"),
        ({"state": TimeState.ENDED, "exit_code": 1}, AnswerState.NOT_YET, f"{OF} ended with exit code 1"),
        (
            {"state": TimeState.ENDED, "exit_code": 1, "again_at": NOW},
            AnswerState.NOT_YET,
            f"{OF} ended with exit code 1 and is started again",
        ),
        ({"state": TimeState.SKIPPED, "cause": SkipCause.USER}, AnswerState.NOT_YET, f"{OF} was skipped (user)"),
    ],
)
def test_the_last_time_decides(store, recorded, state, note):
    """An earlier success does not count, and neither does a later time."""
    record = store.schedule_record()
    earlier = replace(TIME.key, logical_time=datetime(2026, 11, 29, 0, 30, tzinfo=UTC))
    later = replace(TIME.key, logical_time=datetime(2026, 11, 29, 2, 30, tzinfo=UTC))
    record.claim(replace(TIME, key=earlier, state=TimeState.ENDED, exit_code=0))
    record.claim(replace(TIME, key=later, state=TimeState.ENDED, exit_code=0))
    if recorded is not None:
        record.claim(replace(TIME, **recorded))
    answer = last_time_succeeded(HOURLY, NOW, "shop", record)
    assert (answer.state, answer.note) == (state, note)


def test_our_own_time_counts_as_well(store):
    """Two schedules of the same minute: the one that waits takes the other's time of that minute."""
    record = store.schedule_record()
    at_two = replace(TIME.key, logical_time=NOW)
    record.claim(replace(TIME, key=at_two, state=TimeState.ENDED, exit_code=0))
    same = replace(HOURLY, cron=("0 2 * * *",))
    assert last_time_succeeded(same, NOW, "shop", record).state is AnswerState.TRUE
    assert last_time_succeeded(same, NOW, "other", record).state is AnswerState.NOT_YET


def test_a_schedule_that_an_event_starts(store):
    """Its times are not known before, so its last recorded one counts."""
    record = store.schedule_record()
    event = replace(HOURLY, cron=())
    assert last_time_succeeded(event, NOW, "shop", record).note == "it has not run yet"
    record.claim(replace(TIME, state=TimeState.ENDED, exit_code=0))
    assert last_time_succeeded(event, NOW, "shop", record).state is AnswerState.TRUE
