"""What every store promises of the record of notifications."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationState,
    OpenCause,
    Settlement,
)
from orchestrator.notifications.trouble import CauseKey
from orchestrator.store.sql_store import SqlStore
from tests.contracts.test_store import make_store, server
from tests.fakes.clock import NOON

__all__ = ["server"]
LATER = NOON + timedelta(minutes=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with closing(make_store(request.param, request, tmp_path)) as made:
        yield made


def happening(run_id: str = "r1") -> Happening:
    return Happening(kind=HappeningKind.ENDED, at=NOON, run_id=run_id, schedule="nightly", exit_code=1)


def cause(step: str = "stg") -> OpenCause:
    key = CauseKey(target="duckdb shop", place=f"main.{step}", step=step, event=NotifyEvent.FAILURE)
    return OpenCause(key=key, name=f"model {step}", message="a\x00b", first_at=NOON, last_at=NOON, last_run="r1")


def notification(**known: object) -> Notification:
    times = {"made_at": NOON, "due_at": NOON}
    values = {"destination": "team", "kind": LetterKind.REPORT, "title": "t", "body": "b", **times}
    return Notification(**{**values, "causes": (cause().key.id,), "run_id": "r1", "schedule": "nightly", **known})


def test_what_is_noted_is_settled_once(store: SqlStore) -> None:
    """Also if two processes settle it at the same time."""
    record = store.notification_record()
    record.note("shop", happening())
    ((number, found),) = record.happenings("shop")
    assert found == happening()
    assert record.happenings("other") == []
    made = Settlement(causes=(cause(),), notifications=(notification(),))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: record.settle("shop", number, lambda _ledger: made, now=LATER), range(4)))
    assert sum(one is not None for one in done) == 1
    assert record.happenings("shop") == []
    assert record.happening_of("shop", "r1") == happening()
    ledger = record.ledger("shop")
    assert list(ledger.open.values()) == [replace(cause(), message=ledger.open[cause().key.id].message)]
    assert ledger.notifications == (notification(number=ledger.notifications[0].number),)


def test_a_resolved_cause_is_open_no_more(store: SqlStore) -> None:
    record = store.notification_record()
    for resolved_at in (None, LATER):
        made = Settlement(causes=(replace(cause(), resolved_at=resolved_at),))
        record.settle("shop", None, lambda _ledger, made=made: made, now=LATER)
    assert not record.ledger("shop").open


def test_a_notification_is_claimed_by_one_process_until_it_is_updated(store: SqlStore) -> None:
    record = store.notification_record()
    record.put("shop", notification())
    record.put("shop", notification(due_at=LATER))
    assert record.is_waiting("shop", NOON)
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: record.claim("shop", now=NOON, until=LATER), range(4)))
    ((one,),) = [claim for claim in claims if claim]
    assert not record.is_waiting("shop", NOON)
    record.update("shop", replace(one, state=NotificationState.SENT, sent_at=NOON, tries=1))
    assert [kept.state for kept in record.messages("shop", limit=9)] == [
        NotificationState.WAITING,
        NotificationState.SENT,
    ]
    assert [kept.due_at for kept in record.claim("shop", now=LATER, until=LATER)] == [LATER]


def test_a_withdrawn_notification_is_not_sent(store: SqlStore) -> None:
    record = store.notification_record()
    record.put("shop", notification())
    (kept,) = record.messages("shop", limit=1)
    record.settle("shop", None, lambda _ledger: Settlement(withdrawn=(kept.number,)), now=NOON)
    assert record.claim("shop", now=LATER, until=LATER) == []


def test_what_was_settled_sent_and_resolved_long_ago_is_forgotten(store: SqlStore) -> None:
    """Not what an open cause refers to."""
    record = store.notification_record()
    for at in (NOON, NOON + timedelta(days=200)):
        record.note("shop", replace(happening(), at=at))
        ((number, _),) = record.happenings("shop")
        made = Settlement(notifications=(notification(state=NotificationState.SENT, made_at=at),))
        record.settle("shop", number, lambda _ledger, made=made: made, now=at)
    assert len(record.messages("shop", limit=9)) == 1
