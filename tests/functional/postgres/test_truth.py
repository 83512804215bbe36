"""Every core expectation of great-expectations gives the right verdict on PostgreSQL."""

import json
import threading
from dataclasses import replace

import pytest

from orchestrator.adapters.great_expectations.validate import ValidationRunner
from orchestrator.adapters.postgres.login_access import LoginAccess
from orchestrator.plan.status import Status
from tests.functional.great_expectations import truth_rows, truth_tables, truth_values
from tests.functional.great_expectations.conftest import request_for
from tests.functional.great_expectations.test_core_expectations import ON_FACTS, mistakes, written
from tests.functional.great_expectations.truth import ERROR, TABLE, Case, yes

pytestmark = pytest.mark.functional

FURTHER = """
    create table other as select k from generate_series(0, 7) as k;
    create table four as select k from generate_series(0, 3) as k;
    create table empty as select * from facts limit 0;
    create schema "My Schema";
    create view "My Schema"."The ""Facts"" View" as select * from facts;
    create table "Odd ""types" as select
        1::smallint as tiny, 2::bigint as big, 1.5::numeric(10, 2) as money, 1.5::double precision as real8,
        1.5::real as real4, 'x'::varchar(9) as word, date '2013-01-01' as day,
        timestamp(3) '2013-01-01 00:00' as moment, timestamptz '2013-01-01 00:00+00' as zoned, array[1, 2] as list,
        gen_random_uuid() as "The Id", 'b'::bytea as bytes, '{}'::jsonb as doc, true as "select";
"""
OF_TYPE = {
    "tiny": "INT2",
    "big": "BIGINT",
    "money": "decimal",
    "real8": "DOUBLE_PRECISION",
    "real4": "float4",
    "word": "VARCHAR",
    "day": "date",
    "moment": "Timestamp",
    "zoned": "timestamptz",
    "list": "INTEGER[]",
    "The Id": "UUID",
    "bytes": "bytea",
    "doc": "JSONB",
    "select": "bool",
}


def on_postgres(case: Case) -> Case:
    """Give the truth of PostgreSQL where it is another than DuckDB's."""
    if case.kwargs.get("column") == "N":  # a quoted name is looked up with its case
        return replace(case, says=ERROR, unexpected=None)
    if case.kwargs.get("regex") == "(?=a)":  # it looks ahead, which DuckDB cannot
        return replace(case, says=False, unexpected=5)
    return case


@pytest.fixture(scope="module")
def validate(server, login_to, new_database, tmp_path_factory):
    """Validates a table of the truth by a suite of these cases, and gives the mistakes."""
    database, folder = new_database(), tmp_path_factory.mktemp("suites")
    for statements in (TABLE, FURTHER):
        server.rows(statements, database)
    runner = ValidationRunner(LoginAccess(login_to(database)), folder)

    def outcome_of(cases, table="facts", schema="public"):
        suite = {"name": "facts", "expectations": written(cases), "suite_parameters": {"eight": 8}}
        (folder / "facts.json").write_text(json.dumps(suite))
        [outcome] = runner.run([request_for("facts.json", table, schema, database)], threading.Event())
        return outcome

    yield outcome_of
    runner.close()
    assert server.rows("select 1 from pg_stat_activity where application_name ~ '^elt '") == []


@pytest.mark.parametrize("group", ON_FACTS)
def test_every_verdict_on_facts_is_correct(validate, group):
    """Yes, no, or not evaluated, with the number of unexpected rows, equal what was computed by hand."""
    cases = [on_postgres(case) for case in ON_FACTS[group]]
    assert list(mistakes(cases, validate(cases))) == []


def test_types_are_known_by_every_name_that_postgres_gives_them(validate):
    """Types compare by their aliases and without regard to case, in a table with a quote in its name."""
    cases = [yes("column_values_to_be_of_type", column=column, type_=type_) for column, type_ in OF_TYPE.items()]
    assert list(mistakes(cases, validate(cases, table='Odd "types'))) == []


def test_a_table_without_rows_is_validated(validate):
    """Nothing is unexpected in an empty table, and a figure of no values is never a yes."""
    assert list(mistakes(truth_tables.EMPTY, validate(truth_tables.EMPTY, table="empty"))) == []


def test_a_view_in_another_schema_is_validated_under_any_name(validate):
    """Capitals, spaces and quotes in the names of a schema and a view change no verdict."""
    cases = [on_postgres(case) for case in truth_rows.UNIQUE + truth_values.RANGES + truth_values.TEXTS]
    assert list(mistakes(cases, validate(cases, table='The "Facts" View', schema="My Schema"))) == []


@pytest.mark.parametrize(
    ("schema", "table", "told"),
    [("public", "nowhere", "no table or view public.nowhere"), ("nowhere", "facts", "no schema nowhere")],
)
def test_a_missing_relation_is_an_error(validate, schema, table, told):
    """A table or a schema that is missing is named, never a silent green."""
    outcome = validate([yes("table_row_count_to_equal", value=8)], table=table, schema=schema)
    assert outcome.status is Status.ERROR
    assert told in outcome.message
