"""Events in the record of a run."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from orchestrator.execution.events import AttemptEnded, Noticed, NoticeKind, RunEnded, RunStarted, StepEnded
from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.report.run_json import JsonEvents
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.contracts.test_store import opening, started, step_ended, step_started
from tests.event_schema import validate
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON

OF_AN_OLDER_ELT = {
    "run_started": {},
    "attempt_ended": {"status": "error", "error_class": "transient", "again_at": NOON.isoformat()},
    "step_ended": {"status": "skipped"},
}


def test_the_events_of_an_older_elt_are_read(tmp_path: Path) -> None:
    """What they did not record comes from the run and its steps, or is left empty."""
    locked = make_outcome("a", Status.ERROR, message="the lock", error_class=ErrorClass.TRANSIENT)
    skipped = make_outcome("b", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="a")
    with closing(SqlStore(store_url("history.db", tmp_path))) as store:
        writer = store.writer(opening(target="dev"))
        writer.record([started(make_plan("a -> b")), step_started("a")])
        writer.record([AttemptEnded(at=NOON, outcome=locked, again_at=NOON + timedelta(5), attempt=1, most=3)])
        writer.record([Noticed(at=NOON, kind=NoticeKind.PRINTED, message="hello"), step_ended(skipped)])
        writer.record([RunEnded(run_id="r1", at=NOON, status=Status.ERROR, outcomes=())])
        with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
            for kind, body in OF_AN_OLDER_ELT.items():
                connection.execute("update events set body = ? where kind = ?", (json.dumps(body), kind))
            connection.commit()
        begun, _, again, _, ended, _ = store.reader().events("r1")
        validate(map(JsonEvents().to_json, store.reader().events("r1")))
    assert isinstance(begun, RunStarted)
    assert (begun.origin.target, begun.origin.user) == ("dev", "ada")
    assert isinstance(again, AttemptEnded)
    assert (again.outcome, again.most) == (locked, 2)
    assert isinstance(ended, StepEnded)
    assert ended.outcome == skipped
