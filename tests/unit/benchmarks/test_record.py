"""A record of many runs, made out of a record of one, is one that `elt history` can list."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from benchmarks.scripts.fill_history import main
from orchestrator.execution.events import RunEnded
from orchestrator.plan.status import Status
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.contracts.test_store import opening, started, step_ended, step_started
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON


def test_one_recorded_run_is_copied_into_many(tmp_path: Path) -> None:
    """Each is whole, a minute after the other."""
    with closing(SqlStore(store_url("one.db", tmp_path))) as store:
        writer = store.writer(opening())
        writer.record([started(make_plan("a -> b")), step_started("a")])
        writer.record([step_ended(make_outcome("a")), step_started("b")])
        writer.record([step_ended(make_outcome("b"))])
        writer.record([RunEnded(run_id="r1", at=NOON, status=Status.SUCCESS, outcomes=())])
    main(str(tmp_path / "one.db"), str(tmp_path / "many.db"), 40)
    with closing(SqlStore(store_url("many.db", tmp_path))) as store:
        reader = store.reader()
        heads = reader.heads()
        assert len(heads) == 40
        assert [head.started_at - NOON for head in heads] == [timedelta(minutes=39 - place) for place in range(40)]
        assert {tuple(head.counts.items()) for head in heads} == {((Status.SUCCESS, 2),)}
        runs = [reader.run(heads[place].run_id) for place in (0, 39)]
        assert {len(step.attempts) for run in runs for step in run.steps} == {1}
        assert len(reader.events(heads[0].run_id)) == 6
