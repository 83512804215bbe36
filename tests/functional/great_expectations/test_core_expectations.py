"""Every core expectation of great-expectations gives the right verdict on DuckDB."""

import json
import subprocess
import sys

import pytest

from orchestrator.adapters.great_expectations.coverage import WAYS, Way
from orchestrator.plan.status import Status
from tests.functional.great_expectations import truth_rows, truth_tables, truth_values
from tests.functional.great_expectations.truth import ERROR

pytestmark = pytest.mark.functional

ON_FACTS = {
    "nulls": truth_rows.NULLS,
    "unique": truth_rows.UNIQUE,
    "sets": truth_rows.SETS,
    "columns": truth_rows.COLUMNS,
    "conditions": truth_rows.CONDITIONS,
    "ranges": truth_values.RANGES,
    "figures": truth_values.FIGURES,
    "texts": truth_values.TEXTS,
    "tables": truth_tables.TABLES,
    "not in SQL": truth_tables.NOT_IN_SQL,
}
CASES = [case for cases in ON_FACTS.values() for case in cases] + truth_tables.OF_TYPES
SAYS = {Status.SUCCESS: True, Status.FAIL: False, Status.ERROR: ERROR}
LIST_CORE = """
import inspect, json, re
from great_expectations.expectations import core
from great_expectations.expectations.expectation import Expectation
classes = [each for _, each in inspect.getmembers(core, inspect.isclass) if issubclass(each, Expectation)]
snake = lambda name: re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
print(json.dumps(sorted(snake(each.__name__) for each in classes)))
"""


def mistakes(cases, outcome):
    """Give the cases whose verdict is not the truth, with what was said instead."""
    assert len(outcome.parts) == len(cases)
    for case, part in zip(cases, outcome.parts, strict=True):
        said = (SAYS[part.status], part.rows, part.detail["observed_value"])
        right = said[0] == case.says
        right &= case.unexpected in {None, part.rows}
        right &= case.observed is None or case.observed == said[2]
        if not right:
            yield f"{case}: {said} {part.message}"


def written(cases):
    return [{"type": case.type, "kwargs": case.kwargs} for case in cases]


@pytest.mark.parametrize("group", ON_FACTS)
def test_every_verdict_on_facts_is_correct(validator, group):
    """Yes, no, or not evaluated, with the number of unexpected rows, equal what was computed by hand."""
    cases = ON_FACTS[group]
    outcome = validator.validate(*written(cases), suite_parameters={"eight": 8})
    assert list(mistakes(cases, outcome)) == []


def test_all_expectations_in_one_suite_do_not_disturb_each_other(validator):
    """A suite of them all gives the verdicts that each gives in a suite of its kind."""
    cases = [case for cases in ON_FACTS.values() for case in cases]
    outcome = validator.validate(*written(cases), suite_parameters={"eight": 8})
    assert list(mistakes(cases, outcome)) == []


def test_types_are_known_by_every_name_that_duckdb_gives_them(validator):
    """Types compare by DuckDB's aliases and without regard to case, in a table with a quote in its name."""
    outcome = validator.validate(*written(truth_tables.OF_TYPES), table='Odd "types')
    assert list(mistakes(truth_tables.OF_TYPES, outcome)) == []


def test_a_table_without_rows_is_validated(validator):
    """Nothing is unexpected in an empty table, and a figure of no values is never a yes."""
    outcome = validator.validate(*written(truth_tables.EMPTY), table="empty")
    assert list(mistakes(truth_tables.EMPTY, outcome)) == []


def test_a_view_in_another_schema_is_validated_under_any_name(validator):
    """Capitals, spaces and quotes in the names of a schema and a view change no verdict."""
    cases = truth_rows.UNIQUE + truth_values.RANGES + truth_values.TEXTS
    outcome = validator.validate(*written(cases), table='The "Facts" View', schema="My Schema")
    assert list(mistakes(cases, outcome)) == []


def test_every_core_expectation_is_listed_with_how_it_is_evaluated():
    """A core expectation that a new great-expectations brings must be listed, and so tested."""
    listed = subprocess.run([sys.executable, "-c", LIST_CORE], capture_output=True, text=True, check=True)
    assert json.loads(listed.stdout.splitlines()[-1]) == sorted(WAYS)


@pytest.mark.parametrize("type_", sorted(WAYS))
def test_every_listed_expectation_is_tested_both_ways(type_):
    """Each has a case that says yes and one that says no; one without SQL has a case that errs."""
    wanted = {ERROR} if WAYS[type_] is Way.NOT_IN_SQL else {True, False}
    assert wanted <= {case.says for case in CASES if case.type == type_}
