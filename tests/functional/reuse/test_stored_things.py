"""What a database stores beside rows, or a hook reads before a run, counts too: each was reused wrongly once."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestrator.api import Command, FinishedRun, run
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep

pytestmark = pytest.mark.functional
PROFILE = "things: {target: dev, outputs: {dev: {type: duckdb, path: things.duckdb, threads: 1}}}\n"
PROJECT = "{name: things, version: '1.0', profile: things, models: {things: {+materialized: table}}"


class Things:
    """A small project and its database."""

    def __init__(self, root: Path, **models: str) -> None:
        self.root = root
        (root / "models").mkdir()
        self.write("dbt_project.yml", PROJECT + "}\n")
        self.write("profiles.yml", PROFILE)
        self.write("models/sources.yml", "sources: [{name: raw, tables: [{name: t}]}]\n")
        for name, code in models.items():
            self.write(f"models/{name}.sql", code)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def ask(self, *statements: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.root / "things.duckdb")) as connection:
            for statement in statements:
                found = connection.execute(statement).fetchall()
        return found

    def run(self, **options: bool) -> dict[str, str]:
        """Run everything, and return the status of each model."""
        return statuses(run(Command(project_dir=self.root, profiles_dir=self.root, **options)))

    def reused(self) -> set[str]:
        """Run with `--skip-unchanged`, and return what was reused."""
        return {name for name, status in self.run(skip_unchanged=True).items() if status == Status.REUSED}


def statuses(ran: FinishedRun) -> dict[str, str]:
    steps = ran.plan.by_id
    return {steps[one.step_id].name: one.status for one in ran.outcomes if isinstance(steps[one.step_id], BuildStep)}


def test_without_the_record_a_node_that_calls_a_stored_macro_runs(tmp_path: Path) -> None:
    """Only the record knows what the macro was when the node was built."""
    it = Things(tmp_path, fn="select g(3, 1) as a", plain="select 1 as a")
    it.ask("create macro g(a, b) as a - b")
    it.run()
    assert it.reused() == {"fn", "plain"}
    it.ask("create or replace macro g(b, a) as a - b")
    shutil.rmtree(tmp_path / ".elt")
    assert it.reused() == {"plain"}
    assert it.ask("from fn") == [(-2,)]


def test_a_macro_with_a_default_is_not_understood(tmp_path: Path) -> None:
    """The catalog does not show the default."""
    it = Things(tmp_path, h="select h(5) as a")
    it.ask("create macro h(a, b := 1) as a + b")
    it.run()
    it.ask("create or replace macro h(a, b := 2) as a + b")
    assert it.reused() == set()
    assert it.ask("from h") == [(7,)]


def test_the_collation_of_a_column_is_part_of_the_source(tmp_path: Path) -> None:
    """Also of the tables below a view."""
    it = Things(tmp_path, d="select count(distinct s) as n from {{ source('raw', 't') }}")
    it.ask(
        "create schema raw", "create table raw.b (s varchar collate nocase)", "insert into raw.b values ('a'), ('A')"
    )
    it.ask("create view raw.t as select * from raw.b")
    it.run()
    assert it.reused() == {"d"}
    it.ask("create or replace table raw.b (s varchar)", "insert into raw.b values ('a'), ('A')")
    it.ask("create or replace view raw.t as select * from raw.b")
    assert it.reused() == set()
    assert it.ask("from d") == [(2,)]


def test_a_type_that_a_user_created_is_not_understood(tmp_path: Path) -> None:
    """Whatever its name: the type may be another one tomorrow."""
    it = Things(tmp_path, j="select 'b'::jsonb as a union all select 'a'::jsonb order by 1 limit 1")
    it.ask("create type jsonb as enum ('a', 'b')")
    it.run()
    it.ask("drop type jsonb cascade", "create type jsonb as enum ('b', 'a')")
    assert it.reused() == set()
    assert it.ask("select a::varchar from j") == [("b",)]


def test_an_invisible_character_is_not_understood(tmp_path: Path) -> None:
    """DuckDB skips it inside a word: this is the clock."""
    it = Things(tmp_path, z="select 1 as a, current_timestamp\u200b")
    it.run()
    assert it.reused() == set()


def test_a_hook_that_loads_a_source_runs_before_its_readers_are_decided(tmp_path: Path) -> None:
    """A hook before the run is left out only where it cannot change rows."""
    it = Things(tmp_path, b="select sum(x) as s from {{ source('raw', 't') }}", c="select 1 as a")
    hooks = "on-run-start: ['create schema if not exists raw', \"create or replace table raw.t as from 'data.csv'\"]"
    it.write("dbt_project.yml", f"{PROJECT}, {hooks}}}\n")
    it.write("data.csv", "x\n1\n2\n")
    it.run()
    it.write("data.csv", "x\n1\n2\n5\n")
    assert it.reused() == {"c"}
    assert it.ask("from b") == [(8,)]
    assert it.reused() == {"b", "c"}


def test_a_hook_that_reads_the_code_of_its_node_runs_with_it(tmp_path: Path) -> None:
    """A comment compiles to the same, and shows in `model.raw_code`."""
    hook = "{{ config(post_hook='create or replace table hk as select {{ model.raw_code | length }} as n') }}"
    it = Things(tmp_path, m=f"{hook} select 1 as a")
    it.run()
    before = it.ask("from hk")
    it.write("models/m.sql", f"{hook} select 1 as a -- a comment")
    assert it.reused() == set()
    assert it.ask("from hk") != before
