"""The runner of validations: severities, errors, reading only, interrupts, and children that end."""

import threading
import time
from datetime import UTC

import psutil
import pytest

from orchestrator.execution.outcome import ReasonCode
from orchestrator.execution.ports import StepRunner
from orchestrator.plan.status import Status
from orchestrator.report.failure_text import unreported_parts
from tests.functional.great_expectations.conftest import make_validator, request_for

pytestmark = pytest.mark.functional

NO_CRITICAL = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "n", "max_value": 5}}
NO_WARNING = NO_CRITICAL | {"severity": "warning"}
NO_INFO = NO_CRITICAL | {"severity": "info"}
YES = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}
CANNOT = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "nowhere"}, "severity": "info"}
ENDLESS = {
    "type": "unexpected_rows_expectation",
    "kwargs": {"unexpected_rows_query": "select count(*) as c from range(10000000000) a, range(10000) b having c < 0"},
}


@pytest.fixture
def own(tmp_path):
    """A validator with a child of the test's own, which the test may end."""
    validator = make_validator(tmp_path)
    yield validator
    validator.runner.close()


@pytest.mark.parametrize(
    ("expectations", "status", "failures"),
    [
        ([YES], Status.SUCCESS, 0),
        ([YES, NO_INFO], Status.SUCCESS, 0),
        ([YES, NO_INFO, NO_WARNING], Status.WARN, 1),
        ([NO_WARNING, NO_CRITICAL, YES], Status.FAIL, 2),
        ([NO_CRITICAL, CANNOT, YES], Status.ERROR, 1),
        ([], Status.SUCCESS, 0),
    ],
)
def test_the_worst_expectation_decides(validator, expectations, status, failures):
    """Critical is fail, warning is warn, info is success; what cannot be evaluated is error, whatever its severity."""
    outcome = validator.validate(*expectations)
    assert (outcome.status, outcome.failures) == (status, failures)


def test_an_outcome_reports_what_was_expected_and_observed(validator):
    """The message names table, file and the first failure with its count and samples; times are aware."""
    outcome = validator.validate(YES, NO_CRITICAL)
    assert outcome.message == (
        "1 of 2 expectations of main.facts (facts.json) did not pass: "
        "expect_column_values_to_be_between(column=n, max_value=5): 2 unexpected (28.6 %), such as 6, 7"
    )
    assert outcome.parts[1].rows == 2
    assert outcome.parts[1].detail["sample"] == [6, 7]
    assert outcome.started_at.tzinfo is UTC
    assert outcome.started_at < outcome.ended_at
    assert outcome.path == "facts.json"


def test_rows_of_a_users_query_are_shown(validator):
    """An unexpected_rows_expectation counts its rows and shows the first of them."""
    query = {"unexpected_rows_query": "select id, word from {batch} where id > 6 order by id"}
    [part] = validator.validate({"type": "unexpected_rows_expectation", "kwargs": query}).parts
    assert part.rows == 2
    assert part.detail["sample"] == [{"id": 7, "word": "gnu"}, {"id": 8, "word": None}]


@pytest.mark.parametrize(
    ("table", "schema", "says"),
    [
        (
            "nowhere",
            "main",
            "main.nowhere could not be validated: Catalog Error: Table with name nowhere does not exist!",
        ),
        ("facts", "nowhere", "nowhere.facts could not be validated: there is no schema nowhere"),
    ],
)
def test_a_table_that_does_not_exist_is_an_error(validator, table, schema, says):
    """The message names the table and the suite's file."""
    outcome = validator.validate(YES, table=table, schema=schema)
    assert (outcome.status, outcome.reason.code) == (Status.ERROR, ReasonCode.NOT_EVALUATED)
    assert outcome.message.startswith(says)
    assert outcome.message.endswith("(facts.json)")


def test_an_unknown_expectation_is_an_error_and_the_others_are_evaluated(validator):
    """A type that great-expectations does not know spoils no other verdict."""
    outcome = validator.validate({"type": "expect_colum_to_exist", "kwargs": {}}, YES)
    assert [part.status for part in outcome.parts] == [Status.ERROR, Status.SUCCESS]
    assert "no such expectation. Did you mean 'expect_column_to_exist'" in outcome.message


def test_what_the_message_of_a_suite_says_is_not_a_part_to_report_again(validator):
    """Neither where all that is wrong could not be evaluated, nor beside an expectation that is not met."""
    unknown = {"type": "expect_nothing", "kwargs": {}}
    assert [part.status for part in unreported_parts(validator.validate(unknown, YES))] == [Status.SUCCESS]
    mixed = validator.validate(unknown, NO_CRITICAL)
    assert "expect_nothing(): could not be evaluated: great-expectations has no such expectation" in mixed.message
    assert unreported_parts(mixed) == []


def test_a_suite_broken_after_planning_is_an_error(validator):
    """The file is read when the step runs; the message says what is wrong in which line."""
    (validator.root / "facts.json").write_text('{"name": "facts",\n "expectations": [}')
    [outcome] = validator.runner.run([request_for("facts.json", "facts")], threading.Event())
    assert outcome.status is Status.ERROR
    assert "facts.json:2: not JSON" in outcome.message


@pytest.mark.parametrize(
    "query",
    [
        "delete from facts returning id",
        "insert into other values (9) returning k",
        "select 1) as q; create table written as (select 1",
    ],
)
def test_a_validation_only_reads(validator, query):
    """A suite's own query that would write is an error, and nothing is written."""
    count = "select (select count(*) from facts), (select count(*) from other), (select count(*) from duckdb_tables())"
    before = validator.warehouse.execute(count).fetchall()
    outcome = validator.validate({"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": query}})
    assert outcome.status is Status.ERROR
    assert validator.warehouse.execute(count).fetchall() == before


def test_each_validation_sees_what_was_committed_before_it(validator):
    """One validation reads one snapshot, and the next one a new one."""
    validator.warehouse.execute("create or replace table growing as select 1 as k")
    one = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}
    assert validator.validate(one, table="growing").status is Status.SUCCESS
    validator.warehouse.execute("insert into growing values (2)")
    assert validator.validate(one, table="growing").status is Status.FAIL


def test_steps_from_several_threads_are_evaluated_one_at_a_time(validator):
    """Threads may run steps at the same time; each gets the outcome of its own."""
    paths = {name: validator.write(YES if name == "yes" else NO_CRITICAL, name=name) for name in ("yes", "no")}
    found = {}

    def run(number, name):
        [found[number, name]] = validator.runner.run([request_for(paths[name], "facts")], threading.Event())

    threads = [threading.Thread(target=run, args=(i, name)) for i in range(3) for name in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: outcome.status for (_, name), outcome in found.items()} == {"yes": Status.SUCCESS, "no": Status.FAIL}
    assert len(found) == len(threads)


def test_a_stopped_run_starts_no_validation(validator):
    """When the run was asked to stop, a step is cancelled without a look at the warehouse."""
    stop = threading.Event()
    stop.set()
    [outcome] = validator.runner.run([request_for(validator.write(YES), "facts")], stop)
    assert (outcome.status, outcome.reason.code) == (Status.CANCELLED, ReasonCode.INTERRUPTED)


def test_the_child_starts_before_there_is_a_warehouse(tmp_path):
    """Starting opens no cursor; the first validation does."""
    opened = []
    validator = make_validator(tmp_path)
    runner = validator.runner
    cursor = runner._access._open_cursor
    runner._access._open_cursor = lambda: opened.append(1) or cursor()
    runner.start()
    assert opened == []
    assert validator.validate(YES).status is Status.SUCCESS
    assert opened
    runner.close()


def child_of(own) -> psutil.Process:
    """Give the child once it has told its pid; without one, psutil means this process."""
    end = time.monotonic() + 60
    while own.runner._child._pid is None:
        assert time.monotonic() < end, "the child has not told its pid"
        time.sleep(0.01)
    return psutil.Process(own.runner._child._pid)


def _in_thread(runner: StepRunner, path: str, stop: threading.Event | None = None):
    """Validate the facts on a thread; gives the thread and the list that its outcome comes to."""
    outcomes = []
    request = request_for(path, "facts")
    thread = threading.Thread(target=lambda: outcomes.extend(runner.run([request], stop or threading.Event())))
    thread.start()
    return thread, outcomes


def test_an_interrupt_ends_the_query_and_the_queries_queued_behind_it(own):
    """Everything running or waiting is cancelled, the child is gone, and a later validation starts another."""
    started = threading.Event()
    cursor = own.runner._access._open_cursor

    def open_cursor():
        started.set()
        return cursor()

    own.runner._access._open_cursor = open_cursor
    path = own.write(ENDLESS, name="endless")  # once: it is read as soon as the first thread runs
    stop = threading.Event()
    running = [_in_thread(own.runner, path, stop) for _ in range(2)]
    assert started.wait(60)
    child = child_of(own)
    own.runner.interrupt({"expectation.of_another"})
    assert child.is_running()
    stop.set()
    own.runner.interrupt({request_for(path, "facts").step.id})
    own.runner.interrupt({request_for(path, "facts").step.id})
    for thread, _ in running:
        thread.join(30)
    assert [outcome.status for _, outcomes in running for outcome in outcomes] == [Status.CANCELLED] * 2
    child.wait(10)
    assert own.validate(YES).status is Status.SUCCESS


def test_a_child_that_dies_is_an_error_of_its_step_and_the_next_step_gets_a_new_one(own):
    """The message says how the process ended."""
    started = threading.Event()
    cursor = own.runner._access._open_cursor
    own.runner._access._open_cursor = lambda: started.set() or cursor()
    thread, outcomes = _in_thread(own.runner, own.write(ENDLESS, name="endless"))
    assert started.wait(60)
    session = own.runner._child._session
    child_of(own).kill()
    thread.join(30)
    [outcome] = outcomes
    assert outcome.status is Status.ERROR
    assert "the process of great-expectations ended early; it was ended by signal 9" in outcome.message
    assert not session._thread.is_alive()
    assert own.validate(YES).status is Status.SUCCESS
