"""What PostgreSQL says of its relations, functions and settings: the same if and only if readers get the same."""

from dataclasses import replace

import pytest

from orchestrator.adapters.postgres.server import PostgresServer
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, is_same

pytestmark = pytest.mark.functional
PLENTY = Budget(rows=10_000, seconds=60)
TYPES = (
    *("json", "jsonb", "xml", "aclitem", "int[]", "tsvector", "int4range", "interval", "timetz", "money", "bit(3)"),
    *("bytea", "point", "numeric", "uuid", "regclass", "char(5)", '"char"', "name", "pg_lsn", "mood", "pair", "small"),
)
OTHERS = {
    "zero with a sign": ("0.0::float8", "'-0.0'::float8"),
    "a month": ("interval '30 days'", "interval '1 month'"),
    "trailing spaces": ("'b'::text", "'b  '::text"),
    "nothing": ("''::text", "null::text"),
    "another scale": ("1.0::numeric", "1.00::numeric"),
    "another zone": ("'12:00+01'::timetz", "'11:00+00'::timetz"),
    "an empty array": ("'{}'::int[]", "null::int[]"),
    "another lower bound": ("'[0:0]={1}'::int[]", "'{1}'::int[]"),
    "spaces in json": ("""'{"a":1}'::json""", """'{"a": 1}'::json"""),
    "another order of keys": ("""'{"a":1,"b":2}'::json""", """'{"b":2,"a":1}'::json"""),
    "the same text of two values": ("row('a,b', null)::pair", "row('a', 'b')::pair"),
    "bits": ("b'01'::varbit", "b'001'::varbit"),
}
"""Pairs of values of one type that a reader can tell apart, and an equality or a hash might not."""


@pytest.fixture(scope="module")
def database(server, new_database):
    """A database with types of its own."""
    name = new_database()
    server.rows("create type pair as (a text, b text)", name)
    server.rows("create type mood as enum ('a', 'b')", name)
    server.rows("create domain small as int check (value < 10)", name)
    return name


@pytest.fixture(scope="module")
def warehouse(database, login_to):
    return PostgresServer(login_to(database), target="dev")


def named(name, schema="public"):
    return Relation(database=None, schema=schema, identifier=name)


def content(warehouse, name, budget=PLENTY, **options):
    """What one relation holds."""
    return warehouse.contents([named(name)], budget, **options)[named(name)]


def made(warehouse, select):
    """What a table holds that is made of a query."""
    warehouse.ask("drop table if exists t")
    warehouse.ask(f"create table t as {select}")
    return content(warehouse, "t")


@pytest.mark.parametrize("what", OTHERS)
def test_values_that_readers_can_distinguish_have_different_checksums(warehouse, what):
    """Also those that PostgreSQL takes for equal."""
    one, other = (made(warehouse, f"select 1 as id, {value} as v, null::int as w") for value in OTHERS[what])
    assert one.columns == other.columns
    assert None not in {one.rows, other.rows}
    assert one.rows != other.rows


def test_rows_are_compared_in_any_order_with_their_multiplicity(warehouse):
    """Values that change columns or rows are seen, and a row that took the place of another."""
    same = made(warehouse, "select * from (values (1, 2, 'x'), (3, 4, 'y')) v")
    assert made(warehouse, "select * from (values (3, 4, 'y'), (1, 2, 'x')) v") == same
    edits = ("(2, 1, 'x'), (3, 4, 'y')", "(1, 2, 'y'), (3, 4, 'x')", "(1, 2, 'x'), (1, 2, 'x')", "(1, 2, 'x')")
    rows = {made(warehouse, f"select * from (values {edit}) v").rows for edit in edits}
    assert len(rows | {same.rows}) == 5


def test_columns_of_dlt_are_counted_separately(warehouse):
    """A new id leaves the rows as they are; an id that moves to another row is seen."""
    first, renewed, moved = (
        made(warehouse, f"select * from (values (1, '{one}'), (2, '{two}')) v(id, _dlt_id)")
        for one, two in ("ab", "cd", "ba")
    )
    assert first.rows == renewed.rows == moved.rows
    assert len({first.dlt_columns, renewed.dlt_columns, moved.dlt_columns}) == 3


def test_every_type_and_any_name_can_be_read(warehouse):
    """Names with quotes or in another case, no column or 1,600 of them; what cannot be read says why."""
    columns = ", ".join(f'"{number} ""of"" {kind[:4].strip(chr(34))}" {kind}' for number, kind in enumerate(TYPES))
    warehouse.ask('create schema "Übér"')
    warehouse.ask(f'create table "Übér"."a ""B" ({columns})')
    warehouse.ask('insert into "Übér"."a ""B" default values')
    warehouse.ask("create table wide as select " + ", ".join(f"{number} as c{number}" for number in range(1600)))
    warehouse.ask("create table none ()")
    warehouse.ask("insert into none default values")
    warehouse.ask("create table rights as select '{postgres=r/postgres}'::aclitem[] as who")
    odd = named('a "B', "Übér")
    relations = [odd, *map(named, ("WIDE", "none", "rights", "nowhere"))]
    found = warehouse.contents(relations, PLENTY)
    assert {str(relation): one.count for relation, one in found.items()} == {
        str(odd): 1,
        "public.WIDE": 1,
        "public.none": 1,
        "public.rights": None,
    }
    assert "no binary output function" in found[named("rights")].why_not


def test_the_settings_of_a_session_change_no_checksum_and_no_definition(warehouse, login_to, database):
    """Neither the formats of dates, nor the path on which names are looked for."""
    values = "now() as t, 0.1::float8 as f, '\\x00'::bytea as b, interval '1 day' as i"
    warehouse.ask(f"create table moments as select {values}")
    warehouse.ask("create view of_moments as select t from moments")
    both = [named("moments"), named("of_moments")]
    before = warehouse.contents(both, PLENTY)
    assert before[both[1]].definition.split() == ["SELECT", "t", "FROM", "public.moments;"]
    for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'German'", "extra_float_digits = -10", "search_path = 'x'"):
        warehouse.ask(f"alter database {database} set {setting}")
    other = PostgresServer(login_to(database), target="dev")
    assert other.contents(both, PLENTY) == before
    assert other.result_settings() != {}
    warehouse.ask(f"alter database {database} reset all")
    changed = {name for name, value in warehouse.result_settings().items() if other.result_settings()[name] != value}
    assert changed == set()


def test_relations_beyond_the_budget_are_not_read(warehouse):
    """A table by its number of rows, though PostgreSQL has no estimate yet; the rest once the time is used up."""
    warehouse.ask("create table large as select * from generate_series(1, 10001) as id")
    for statement in ("select 1", "analyze large"):
        warehouse.ask(statement)
        assert content(warehouse, "large").why_not == "it has more than 10,000 rows (content.rows)"
    assert content(warehouse, "large", replace(PLENTY, rows=10_001)).count == 10_001
    late = content(warehouse, "large", Budget(rows=100_000, seconds=0))
    assert late.why_not == "the time limit for reading tables (0 s, content.time) was reached"
    warehouse.ask("create view slow as select pg_sleep(30)::text as n")
    slow = content(warehouse, "slow", Budget(rows=10, seconds=0.2), rows_of_views=[named("slow")])
    assert slow.why_not == "the time limit for reading tables (0.2 s, content.time) was reached"


def test_kinds_of_relations_are_distinguished(warehouse):
    """A view has a definition, and rows where they are asked for; a foreign part makes a whole table foreign."""
    warehouse.ask("create view broken as select 1 / 0 as a")
    warehouse.ask("create materialized view kept as select 1 as a")
    warehouse.ask("create table parts (a int) partition by range (a)")
    warehouse.ask("create table part_one partition of parts for values from (0) to (10)")
    warehouse.ask("insert into parts values (1)")
    relations = [*map(named, ("broken", "kept", "parts"))]
    found = warehouse.contents(relations, PLENTY, rows_of_views=[named("broken")])
    assert [found[one].kind for one in relations] == ["view", "materialized view", "table"]
    assert [found[one].count for one in relations] == [None, 1, 1]
    assert found[named("broken")].why_not == "PostgreSQL rejected a query: division by zero"
    assert content(warehouse, "broken").why_not == ""
    assert content(warehouse, "kept", definitions_only=True).rows is None


def test_user_defined_functions_are_reported_with_their_definitions(warehouse):
    """All overloads together; what is not SQL is opaque."""
    before = set(warehouse.stored_functions())
    warehouse.ask("create function plus(a int) returns int language sql immutable as 'select a + 1'")
    warehouse.ask("create function \"Opaque\"() returns setof int language plpgsql as 'begin return; end'")
    warehouse.ask("create aggregate total(int) (sfunc = int4pl, stype = int)")
    found = warehouse.stored_functions()
    assert set(found) - before == {"plus", "opaque", "total"}
    assert "select a + 1" in str(found["plus"].definition)
    assert (found["opaque"].definition, found["opaque"].is_table, found["total"].definition) == (None, True, None)
    warehouse.ask("create function plus(a text) returns text language plpgsql as 'begin return a; end'")
    assert warehouse.stored_functions()["plus"].definition is None


def test_what_a_build_recorded_is_read_later(first, login_to):
    """Of each seed, table, view, incremental model and snapshot."""
    server = PostgresServer(login_to(first.shop.database), target="dev")
    markers = first.shop.rows("select relation, content from _elt.standing")
    names = {text: text.split('"') for text, _ in markers}
    relations = {text: named(parts[5], parts[3]) for text, parts in names.items()}
    found = server.contents(list(relations.values()), PLENTY)
    assert len(markers) == len(relations) > 5
    assert [text for text, recorded in markers if not is_same(recorded, found[relations[text]])] == []
