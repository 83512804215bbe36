"""A connection that is dropped, a lock that is held, and a query over its limit, on a real PostgreSQL server."""

from contextlib import closing

import pytest

from orchestrator.api import Command, Upstream, run
from orchestrator.execution.events import AttemptEnded, StepStarted
from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.plan.status import Status
from tests.fakes.listener import RecordingListener

pytestmark = pytest.mark.functional

MODELS = {
    "elt.yml": "repeats: {dbt: {times: 2, after: 10ms}}",
    "models/tried/dropped.sql": """
        {{ config(materialized='table') }}
        select case when nextval('public.tries') = 1 then pg_terminate_backend(pg_backend_pid()) else true end as well
        """,
    "models/tried/locked.sql": """
        {{ config(materialized='table', pre_hook=[
            "set local lock_timeout = '50ms'", "lock table raw.customers in exclusive mode"]) }}
        select count(*) as n from raw.customers
        """,
    "models/tried/slow.sql": """
        {{ config(materialized='table', meta={'elt': {'time_limit': '1s'}}) }}
        select 1 as n from pg_sleep(600)
        """,
    "models/tried/wrong.sql": "{{ config(materialized='table') }} select 1 / 0 as n",
}


class Holder:
    """Holds a table when the run begins, and lets go of it when somebody gave up waiting."""

    def __init__(self, shop) -> None:
        self.heard = []
        self._connection = shop.server.connect(shop.database)
        self._connection.autocommit = False
        self._connection.cursor().execute("lock table raw.customers in exclusive mode")

    def hear(self, event) -> None:
        self.heard.append(event)
        if isinstance(event, AttemptEnded) and event.outcome.step_id == "model.shop.locked":
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def test_transient_errors_are_retried_and_attempts_over_the_limit_are_ended(shop):
    """The dropped connection and the lock are tried again to success; the slow query is ended at the server."""
    for name, text in MODELS.items():
        shop.write(name, text)
    shop.server.rows("create sequence public.tries", shop.database)
    folder = {"project_dir": shop.folder, "profiles_dir": shop.folder}
    with shop.entered(), closing(Holder(shop)) as holder:
        ran = run(Command(**folder, select=("path:models/tried",), upstream=Upstream.NONE), [holder])
    found = {outcome.step_id.rpartition(".")[2]: outcome for outcome in ran.outcomes}
    assert {name: found[name].status for name in ("dropped", "locked", "slow", "wrong")} == {
        "dropped": Status.SUCCESS,
        "locked": Status.SUCCESS,
        "slow": Status.ERROR,
        "wrong": Status.ERROR,
    }
    assert found["slow"].reason.code is ReasonCode.TIME_LIMIT
    assert found["wrong"].error_class is ErrorClass.PERMANENT
    again = {event.outcome.step_id.rpartition(".")[2] for event in holder.heard if isinstance(event, AttemptEnded)}
    assert again == {"dropped", "locked"}
    starts = [event.step_id for event in holder.heard if isinstance(event, StepStarted)]
    assert (starts.count("model.shop.slow"), starts.count("model.shop.wrong")) == (1, 1)
    assert shop.rows("select * from pg_stat_activity where query ~ 'pg_sleep.600' and pid <> pg_backend_pid()") == []
    assert shop.rows("select n from analytics.locked") == [(2,)]


BROKEN_TEXT = """
    import dlt
    import pyarrow

    @dlt.resource(write_disposition="replace")
    def rates():
        yield pyarrow.table({"currency": ["E\\x00R"], "rate": [1.0]})

    @dlt.source(name="rates")
    def rates_api():
        return rates
    """


def test_text_that_the_server_refuses_is_a_permanent_error_of_the_load(shop):
    """dlt would retry the job; the text is as wrong the next time."""
    shop.write("elt.yml", "repeats: {ingest: {times: 2, after: 10ms}}")
    shop.write("ingestion/rates.py", BROKEN_TEXT)
    listener = RecordingListener()
    command = Command(project_dir=shop.folder, profiles_dir=shop.folder, select=("ingest:rates",))
    with shop.entered():
        (load,) = run(command, [listener]).outcomes
    assert 'CharacterNotInRepertoire: invalid byte sequence for encoding "UTF8": 0x00' in load.message
    assert load.error_class is ErrorClass.PERMANENT
    assert not [event for event in listener.events if isinstance(event, AttemptEnded)]
