"""Two developers, or two runs at once, in one PostgreSQL database: each has a place of its own."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.api import Command, FinishedRun, OnBusy, Upstream, Verb, run
from orchestrator.continued_runs import resume, retry
from orchestrator.errors import BusyError, UsageError
from orchestrator.execution.recorded import RunHead
from orchestrator.plan.status import Status
from orchestrator.plan.step import HookStep
from orchestrator.recorded_runs import cancel
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.functional.postgres.server import PASSWORD, Server
from tests.warm_starts import WarmStart

pytestmark = [pytest.mark.functional, pytest.mark.slow]
PATIENCE = 60

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: desk
        version: "1.0.0"
        profile: desk
        models: {desk: {+materialized: table}}
        """,
    "profiles.yml": """
        desk:
          target: ada
          outputs:
            ada: &own
              type: postgres
              host: "{{ env_var('DESK_HOST') }}"
              port: "{{ env_var('DESK_PORT') | as_number }}"
              user: postgres
              pass: "{{ env_var('DESK_PASSWORD') }}"
              dbname: "{{ env_var('DESK_DATABASE') }}"
              schema: ada
              threads: 2
            bob: {<<: *own, schema: bob}
        """,
    "seeds/rates.csv": "currency,rate\nEUR,1.0\nSEK,11.2\n",
    "models/stg_rates.sql": "{{ config(materialized='view') }} select currency, rate from {{ ref('rates') }}",
    "models/fct_rates.sql": "select currency, rate from {{ ref('stg_rates') }}",
    "models/mean_rate.sql": "select avg(rate) as mean from {{ ref('fct_rates') }}",
    "models/seen.sql": """
        {{ config(materialized='incremental', unique_key='currency') }} select currency from {{ ref('fct_rates') }}
        """,
    "models/models.yml": """
        models:
          - name: fct_rates
            columns: [{name: currency, data_tests: [unique, {not_null: {config: {store_failures: true}}}]}]
        unit_tests:
          - name: a_mean
            model: mean_rate
            given: [{input: ref('fct_rates'), rows: [{currency: a, rate: 1}, {currency: b, rate: 2}]}]
            expect: {rows: [{mean: 1.5}]}
        """,
    "snapshots/rates_history.yml": """
        snapshots:
          - name: rates_history
            relation: ref('stg_rates')
            config: {strategy: check, unique_key: currency, check_cols: [rate]}
        """,
}


@dataclass(frozen=True)
class Desk:
    """A checkout of the project, and the database that others use too."""

    folder: Path
    server: Server
    database: str

    def variables(self) -> dict[str, str]:
        """Give the variables that the profile reads."""
        return {
            "DESK_HOST": self.server.host,
            "DESK_PORT": str(self.server.port),
            "DESK_DATABASE": self.database,
            "DESK_PASSWORD": PASSWORD,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the project."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(dedent(text).lstrip())

    def run(self, target: str, *select: str, **options: object) -> FinishedRun:
        """Run in this process; what is unchanged is reused."""
        command = Command(
            project_dir=self.folder,
            profiles_dir=self.folder,
            dbt_options=("--target", target),
            select=select,
            **{"skip_unchanged": True, **options},
        )
        with self.environment():
            return run(command)

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Set the variables."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables().items():
                patch.setenv(name, value)
            yield

    def start(self, verb: str, target: str, *words: str) -> WarmStart:
        """Start a run as a process of its own."""
        order = [verb, "--project-dir", str(self.folder), "--target", target, "--json", *words]
        return WarmStart(order, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **self.variables()})

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        return self.server.rows(sql, self.database)


def desk(folder: Path, server: Server, database: str, store: str = ".elt/history.db") -> Desk:
    """Write the project into a folder, with its record where `store` says."""
    made = Desk(folder, server, database)
    made.write({**FILES, "elt.yml": f"store: {json.dumps(store)}\n"})
    return made


def what_ran(ran: FinishedRun) -> dict[str, str]:
    """Name what was not reused, and how it ended; hooks run each time."""
    steps = {step.id: step for step in ran.plan.steps if not isinstance(step, HookStep)}
    return {
        steps[one.step_id].name: f"{one.status}: {one.reason.code} {one.message}"
        for one in ran.outcomes
        if one.step_id in steps and one.status is not Status.REUSED
    }


STAGED = """
    {{{{ config(materialized='view') }}}} select currency, rate * {factor} as rate from {{{{ ref('rates') }}}}
    """


@pytest.mark.parametrize("stores", ["one file", "one database", "separate"])
def test_each_developer_reuses_their_own_relations(tmp_path: Path, server: Server, new_database, stores: str) -> None:
    """Whatever the other built in between from other code, the second run of each reuses everything."""
    database, folders = new_database(), (tmp_path / "of_ada", tmp_path / "of_bob")
    shared = {
        "one file": str(tmp_path / "runs.db"),
        "one database": f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{new_database()}",
        "separate": ".elt/history.db",
    }
    ada, bob = (desk(folder, server, database, shared[stores]) for folder in folders)
    bob.write({"models/stg_rates.sql": STAGED.format(factor=2)})
    first = {"ada": ada.run("ada"), "bob": bob.run("bob")}
    assert {one.status for ran in first.values() for one in ran.outcomes} == {Status.SUCCESS}
    assert {name: what_ran(one.run(name)) for name, one in (("ada", ada), ("bob", bob))} == {"ada": {}, "bob": {}}
    bob.write({"models/stg_rates.sql": STAGED.format(factor=3)})
    assert "fct_rates" in what_ran(bob.run("bob"))
    assert what_ran(ada.run("ada")) == {}
    means = ada.rows("select a.mean::text, b.mean::text from ada.mean_rate a, bob.mean_rate b")
    assert [float(mean) for mean in means[0]] == pytest.approx([6.1, 18.3])


def test_a_check_that_failed_for_one_developer_does_not_block_another(
    tmp_path: Path, server: Server, new_database
) -> None:
    """Nor does a pass of the other's open the gate that it closed."""
    both, checks = desk(tmp_path / "both", server, new_database()), "resource_type:test"
    for target in ("ada", "bob"):
        assert both.run(target, exclude=("mean_rate",)).exit_code == 0
    both.rows("update ada.fct_rates set currency = 'EUR'")
    alone = {"upstream": Upstream.NONE, "skip_unchanged": False}
    assert both.run("ada", checks, **alone).exit_code == 1
    assert both.run("bob", checks, **alone).exit_code == 0
    assert both.run("bob", "mean_rate", upstream=Upstream.NONE).exit_code == 0
    halted = both.run("ada", "mean_rate", upstream=Upstream.NONE)
    by_name = {halted.plan.by_id[one.step_id].name: one for one in halted.outcomes}
    assert by_name["mean_rate"].status is Status.SKIPPED


MEETING = """
    create table public.words (word text);
    create function public.number(name text) returns bigint language sql immutable as
        'select (hashtext(name) & 2147483647)::bigint';
    create function public.has_begun(name text) returns boolean language sql volatile as $$
        select exists (
            select from pg_locks where locktype = 'advisory' and granted and objid = public.number(name)::oid
        )
    $$;
    create function public.meet(own text, other text) returns int language plpgsql volatile as $$
    begin
        perform pg_advisory_xact_lock_shared(public.number(own));
        for _ in 1..600 loop
            if exists (select from public.words where word = other) then
                return 1;
            end if;
            if public.has_begun(other) then
                perform pg_sleep(1);  -- so long that the other one sees it too
                return 1;
            end if;
            perform pg_sleep(0.05);
        end loop;
        raise exception '% has waited for % in vain', own, other;
    end $$
    """


def meets(own: str, other: str) -> str:
    """Write a model that ends only when the other one has begun, or when the word is said."""
    return f"{{{{ config(meta={{'elt': {{'deterministic': true}}}}) }}}} select public.meet('{own}', '{other}') as n"


@pytest.fixture
def desks(tmp_path: Path, server: Server, new_database) -> tuple[Desk, Desk]:
    """Two checkouts with one record, and a database in which both developers have built what does not wait."""
    database, store = new_database(), str(tmp_path / "runs.db")
    both = desk(tmp_path / "one", server, database, store), desk(tmp_path / "two", server, database, store)
    for one, target in zip(both, ("ada", "bob"), strict=True):
        one.write({f"models/{name}.sql": meets(name, other) for name, other in (("left", "right"), ("right", "left"))})
        one.write({"models/slow.sql": meets("slow", "enough"), "models/below.sql": "select n from {{ ref('slow') }}"})
        assert one.run(target, "rates", "stg_rates", "fct_rates", upstream=Upstream.NONE).exit_code == 0
    both[0].rows(MEETING)
    return both


@contextmanager
def started(*runs: WarmStart) -> Iterator[None]:
    """Let none of these runs outlive the test."""
    with ExitStack() as running:
        for one in runs:
            running.callback(one.kill)
        yield


def said(one: WarmStart) -> list[dict[str, object]]:
    """Wait for the end of a run, and give what it said."""
    out, err = one.communicate(PATIENCE)
    lines = [json.loads(line) for line in (out or "").splitlines()]
    assert one.returncode == 0, "\n".join([*map(str, lines), err or ""])
    return lines


def until(condition: Callable[[], bool], *runs: WarmStart) -> None:
    """Wait until something is so; fails when a run ends before, or after a minute."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        for one in runs:
            assert one.poll() is None, one.communicate()
        time.sleep(0.05)


def begins(one: Desk, name: str, *runs: WarmStart) -> None:
    """Wait until a model has begun."""
    until(lambda: one.rows(f"select public.has_begun('{name}')") == [(True,)], *runs)


def continues_loads(one: Desk) -> None:
    """Let what waits for the word end."""
    one.rows("insert into public.words values ('enough')")


def heads(one: Desk) -> tuple[RunHead, ...]:
    """Give the recorded runs, the newest first."""
    with closing(SqlStore(store_url(str(one.folder.parent / "runs.db"), one.folder))) as store:
        return store.reader().heads()


@pytest.mark.parametrize("targets", [("ada", "ada"), ("ada", "bob")])
def test_runs_that_write_different_relations_run_at_the_same_time(
    desks: tuple[Desk, Desk], targets: tuple[str, str]
) -> None:
    """Each of two models ends only once the other has begun, in one schema and in two."""
    names = ("left", "right")
    runs = [
        one.start("run", target, "--select", name, "--on-busy", "refuse")
        for one, target, name in zip(desks, targets, names, strict=True)
    ]
    with started(*runs):
        for one in runs:
            said(one)
    (first, second) = heads(desks[0])[:2]
    assert first.started_at < second.ended_at
    assert second.started_at < first.ended_at


def test_the_same_model_in_two_schemas_is_built_at_the_same_time(desks: tuple[Desk, Desk]) -> None:
    """Places tell them apart; what only checks does not wait for either, though it reads beside them."""
    for one in desks:
        one.write({"models/slow.sql": meets("slow_{{ target.name }}", "enough")})
    runs = [
        one.start("run", target, "--select", "slow", "--on-busy", "refuse")
        for one, target in zip(desks, ("ada", "bob"), strict=True)
    ]
    with started(*runs):
        begins(desks[0], "slow_ada", *runs)
        begins(desks[0], "slow_bob", *runs)
        assert desks[0].run("ada", "unique_fct_rates_currency", verb=Verb.TEST, on_busy=OnBusy.REFUSE).exit_code == 0
        continues_loads(desks[0])
        for one in runs:
            said(one)


def test_runs_that_write_the_same_relation_run_one_after_another(desks: tuple[Desk, Desk]) -> None:
    """The second is refused or waits, learns what the first writes, and makes its plan of what the first has left."""
    one, other = desks
    first = one.start("run", "ada", "--select", "slow")
    with started(first):
        begins(one, "slow", first)
        with pytest.raises(BusyError, match=r"The run \S+ writes ada\.slow: process "):
            other.run("ada", "slow", on_busy=OnBusy.REFUSE)
        second = other.start("run", "ada", "--select", "below")
        with started(second):
            waits = json.loads(second.stdout.readline())
            assert (waits["event"], waits["notice"]) == ("noticed", "waiting")
            assert waits["message"].endswith("to end: it writes ada.slow")
            continues_loads(one)
            said(first)
            ended = {line["name"]: line["status"] for line in said(second) if line["event"] == "step_ended"}
    assert ended == {"slow": "reused", "below": "success"}
    (later, earlier) = heads(one)[:2]
    assert earlier.ended_at <= later.started_at


def test_the_lease_of_a_run_that_was_killed_is_taken_over(desks: tuple[Desk, Desk]) -> None:
    """Its names are free as soon as its process is dead, and the next run builds what it left."""
    first = desks[0].start("run", "ada", "--select", "slow")
    with started(first):
        begins(desks[0], "slow", first)
    continues_loads(desks[0])
    assert desks[1].run("ada", "slow", on_busy=OnBusy.REFUSE).exit_code == 0
    assert desks[1].rows("select n from ada.slow") == [(1,)]


def test_a_cancelled_run_lets_the_next_run_write(desks: tuple[Desk, Desk]) -> None:
    """`elt cancel` ends the run that holds the lease; the one that waits for it goes on."""
    first = desks[0].start("run", "ada", "--select", "slow")
    with started(first):
        begins(desks[0], "slow", first)
        second = desks[1].start("run", "ada", "--select", "slow")
        with started(second):
            assert json.loads(second.stdout.readline())["notice"] == "waiting"
            assert cancel(desks[1].folder, next(head.run_id for head in heads(desks[0]) if head.status is None)) == 0
            first.communicate(PATIENCE)
            assert first.returncode == 130
            continues_loads(desks[0])
            said(second)


def test_a_run_in_one_schema_cannot_be_resumed_in_another(desks: tuple[Desk, Desk]) -> None:
    """What it built is not there: resume and retry are refused, with both places."""
    (one, _) = desks
    one.write({"models/broken.sql": "select n from nowhere", "models/fine.sql": "select 1 as n"})
    failed = one.run("ada", "fine", "broken")
    assert failed.exit_code == 1
    profile = FILES["profiles.yml"]
    one.write({"profiles.yml": profile.replace("schema: ada", "schema: cy")})
    for again in (resume, retry):
        with one.environment(), pytest.raises(UsageError, match=r"built ada\.fine, but now the relation is cy\.fine"):
            again(failed.run_id, Command(project_dir=one.folder, profiles_dir=one.folder))
    one.write({"profiles.yml": profile, "models/broken.sql": "select 2 as n"})
    with one.environment():
        repaired = retry(failed.run_id, Command(project_dir=one.folder, profiles_dir=one.folder))
    assert [step.name for step in repaired.plan.steps] == ["broken"]
