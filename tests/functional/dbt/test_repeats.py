"""Steps that real DuckDB refuses for a moment, for longer than their limit, or for good, in a real dbt project."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters import database_errors
from orchestrator.api import Command, FinishedRun, Upstream, run
from orchestrator.execution.events import AttemptEnded, Event, StepEnded, StepStarted
from orchestrator.execution.outcome import ErrorClass, Outcome, ReasonCode
from orchestrator.plan.status import Status
from tests.functional.shop import FILES, sql, write_shop

pytestmark = pytest.mark.functional
FOR_HOURS = "(select count(*) from range(100_000_000_000) r where r.range % 7 = 3)"
ONE_SECOND = "{{ config(materialized='table', meta={'elt': {'time_limit': '1s'}}) }}"
ENDLESS = """
    import os
    import time

    def model(dbt, session):
        dbt.config(materialized="table", meta={"elt": {"time_limit": "1s"}})
        rows = dbt.ref("events")
        while not os.path.exists("ROOT/released"):
            time.sleep(0.1)
        return rows
    """
BY_YEAR = """
    {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
        batch_size='year', begin='2021-01-01') }}
    select event_id, happened_at, now() as made_at
        {% if model.batch and model.batch.id == '2022' %}
        , case when (select count(*) from glob('ROOT/again')) = 0
            then error('TransactionContext Error: Conflict on update!') else '' end as said
        {% else %}, '' as said {% endif %}
    from {{ ref('events') }}
    """
EVENTS = """
    {{ config(event_time='happened_at', materialized='table') }}
    select * from (values (1, timestamp '2021-05-01'), (2, timestamp '2022-05-01'), (3, timestamp '2023-05-01'))
        as t(event_id, happened_at)
    """


NAMES = "{{ results | map(attribute='node.name') | join(' ') }}"
TOLD = f"""
        on-run-end: "create or replace table main.told as select unnest(string_split('{NAMES}', ' ')) as name"
"""


def changes(root: Path) -> Mapping[str, str]:
    """What the shop has more here: what waits, what never ends, and what is wrong."""
    return {
        "dbt_project.yml": FILES["dbt_project.yml"] + TOLD,
        "elt.yml": "repeats: {dbt: {times: 2, after: 10ms}}",
        "models/marts/slow.sql": f"{ONE_SECOND} select {FOR_HOURS} as n",
        "models/marts/below_slow.sql": "select * from {{ ref('slow') }}",
        "models/marts/endless.py": ENDLESS.replace("ROOT", str(root)),
        "models/marts/below_endless.sql": "select * from {{ ref('endless') }}",
        "models/marts/wrong.sql": "select nothing from {{ ref('stg_orders') }}",
        "models/marts/events.sql": EVENTS,
        "models/marts/by_year.sql": BY_YEAR.replace("ROOT", str(root)),
    }


class Rival:
    """Another transaction of this process: it changes a relation just before a step starts, and lets go after a try."""

    def __init__(self, root: Path, statement: str) -> None:
        self.heard: list[Event] = []
        self._root = root
        self._statement = statement
        self._connection = duckdb.connect(str(root / "shop.duckdb"))

    def hear(self, event: Event) -> None:
        """Be in the way of the first try of fct_orders."""
        self.heard.append(event)
        if isinstance(event, StepStarted) and event.step_id == "model.shop.fct_orders" and self._statement:
            self._connection.execute("begin")
            self._connection.execute(self._statement)
            self._statement = ""
        match event:
            case AttemptEnded() if event.outcome.step_id == "model.shop.fct_orders":
                self._connection.execute("rollback")
            case AttemptEnded() if event.outcome.step_id == "model.shop.by_year":
                (self._root / "again").touch()
            case _:
                pass

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


@dataclass(frozen=True)
class Told:
    """A run, and what was heard of it."""

    root: Path
    ran: FinishedRun
    heard: list[Event]

    def outcome(self, name: str) -> Outcome:
        return next(outcome for outcome in self.ran.outcomes if outcome.step_id == f"model.shop.{name}")

    def again(self, name: str) -> list[AttemptEnded]:
        told = [event for event in self.heard if isinstance(event, AttemptEnded)]
        return [event for event in told if event.outcome.step_id == f"model.shop.{name}"]

    def starts(self, name: str) -> int:
        return [event.step_id for event in self.heard if isinstance(event, StepStarted)].count(f"model.shop.{name}")


def build(root: Path, statement: str, *select: str) -> Told:
    """Build the shop while the rival is in the way."""
    rival = Rival(root, statement)
    period = ("--event-time-start", "2021-01-01", "--event-time-end", "2024-01-01")
    try:
        ran = run(Command(project_dir=root, upstream=Upstream.NONE, select=select, dbt_options=period), [rival])
        return Told(root, ran, rival.heard)
    finally:
        rival.close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The first build: the rival has begun to make the table under the name that dbt gives it for a while."""
    root = tmp_path_factory.mktemp("shop")
    write_shop(root, changes(root))
    with pytest.MonkeyPatch.context() as patch:
        # Only `error()` raises in one batch alone, and DuckDB calls that an error of the data, whatever it says.
        patch.setattr(database_errors, "_DATA", re.compile(r"(?!)"))
        built = build(root, "create table main.fct_orders__dbt_tmp(i integer)")
    yield built
    (root / "released").touch()


def test_a_conflict_is_retried_until_it_succeeds(told: Told) -> None:
    """The model ends once, well, with its ephemeral parent put in again; what is below starts once, after it."""
    assert told.outcome("fct_orders").status is Status.SUCCESS
    (again,) = told.again("fct_orders")
    assert again.outcome.error_class is ErrorClass.TRANSIENT
    assert "write-write conflict" in again.outcome.message
    assert (again.attempt, again.most) == (1, 3)
    assert (told.starts("fct_orders"), told.starts("dim_customers")) == (2, 1)
    ends = [event.outcome.step_id for event in told.heard if isinstance(event, StepEnded)]
    assert ends.count("model.shop.fct_orders") == 1
    assert ends.index("model.shop.fct_orders") < ends.index("model.shop.dim_customers")
    assert sql(told.root, "select count(*) from main.fct_orders") == [(3,)]


def test_only_the_failed_batches_are_retried(told: Told) -> None:
    """As in `dbt retry`: the batches that were done keep their rows, and dbt's record names all of them."""
    (again,) = told.again("by_year")
    rows = sql(told.root, f"select event_id, made_at > timestamptz '{again.at}' from main.by_year order by 1")
    assert rows == [(1, False), (2, True), (3, False)]
    (record,) = told.outcome("by_year").dbt_results
    assert record["status"] == "success"
    assert [len(record["batch_results"][word]) for word in ("successful", "failed")] == [3, 0]


def test_dbts_records_hold_one_entry_a_node(told: Told) -> None:
    """run_results.json has the last try of each, and an error for what outlived its limit."""
    results = json.loads((told.root / "target" / "run_results.json").read_text())["results"]
    words = {result["unique_id"].removeprefix("model.shop."): result["status"] for result in results}
    assert len(words) == len(results)
    assert {name: words[name] for name in ("fct_orders", "slow", "endless", "below_endless", "wrong")} == {
        "fct_orders": "success",
        "slow": "error",
        "endless": "error",
        "below_endless": "skipped",
        "wrong": "error",
    }


def test_on_run_end_hooks_see_each_node_once(told: Told) -> None:
    """`results` holds the last try of each node, with what was given up and what was skipped."""
    names = [str(name) for (name,) in sql(told.root, "select name from main.told")]
    assert len(names) == len(set(names))
    assert {"fct_orders", "by_year", "slow", "endless", "below_endless", "wrong"} <= set(names)


@pytest.mark.parametrize("name", ["slow", "endless"])
def test_a_step_over_its_time_limit_is_an_error_and_its_siblings_continue(told: Told, name: str) -> None:
    """SQL is interrupted on its own cursor, Python is left behind; nothing below starts, all else runs."""
    ended, below = told.outcome(name), told.outcome(f"below_{name}")
    assert (ended.status, ended.reason.code) == (Status.ERROR, ReasonCode.TIME_LIMIT)
    assert "1 s" in ended.message
    assert (below.status, below.reason.blame) == (Status.SKIPPED, ended.step_id)
    assert (told.starts(name), told.again(name)) == (1, [])
    assert told.outcome("dim_customers").status is Status.SUCCESS


def test_a_user_mistake_is_never_retried(told: Told) -> None:
    """SQL that is wrong errs once, permanently."""
    assert told.outcome("wrong").error_class is ErrorClass.PERMANENT
    assert (told.starts("wrong"), told.again("wrong")) == (1, [])


def test_a_conflict_while_tables_are_swapped_leaves_dbts_cache_correct(told: Told) -> None:
    """dbt notes a renaming before it is done: the further try finds the old table where it is, and replaces it."""
    built = build(told.root, "alter table main.fct_orders add column rival integer", "fct_orders")
    assert len(built.again("fct_orders")) == 1
    assert built.outcome("fct_orders").status is Status.SUCCESS
    rows = "select column_name from information_schema.columns where table_name like 'fct_orders%' order by 1"
    assert sql(told.root, rows) == [("amount",), ("customer_id",), ("name",), ("order_id",)]
