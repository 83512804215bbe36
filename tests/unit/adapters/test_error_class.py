"""Which errors of each tool may pass: real ones of DuckDB, and the words of those that cannot be provoked here."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.database_errors import may_pass
from orchestrator.adapters.dbt.dbt_error_class import error_class as of_dbt
from orchestrator.adapters.great_expectations.gx_error_class import error_class as of_expectations
from orchestrator.execution.outcome import ErrorClass
from orchestrator.plan.status import Status

DOCS = (Path(__file__).parents[3] / "docs" / "repeats.md").read_text()

RIVALS = {
    "create": ("create table t(i integer)", "create table t(j integer)"),
    "replace": ("create or replace table kept as select 1 as i", "create or replace table kept as select 2 as i"),
    "update": ("update kept set i = 2", "update kept set i = 3"),
    "delete": ("delete from kept", "delete from kept"),
    "alter": ("alter table kept add column a integer", "alter table kept add column b integer"),
    "insert": ("alter table kept add column a integer", "insert into kept values (2)"),
    "drop": ("alter table kept rename to other", "drop table kept"),
    "schema": ("create schema s", "create schema s"),
}


def refusal(first: str, second: str) -> str:
    """Give what DuckDB says to the second of two transactions that are in each other's way."""
    with duckdb.connect() as connection:
        connection.execute("create table kept as select 1 as i")
        one, other = connection.cursor(), connection.cursor()
        one.execute("begin")
        one.execute(first)
        with pytest.raises(duckdb.Error) as caught:
            other.execute(second)
        return str(caught.value)


@pytest.mark.parametrize("rivals", RIVALS.values(), ids=RIVALS)
def test_a_transaction_conflict_is_transient(rivals: tuple[str, str]) -> None:
    """Whatever two transactions do to one table or schema, DuckDB's refusal is known as a conflict."""
    assert may_pass(refusal(*rivals))


def test_a_lock_of_another_process_is_transient() -> None:
    """DuckDB's words for a file that is held, as they were said by 2.0."""
    assert may_pass(
        'IO Error: Could not set lock on file "/data/shop.duckdb": Conflicting lock is held in python3.11 (PID 13804).'
    )


MISTAKES: dict[str, str] = {
    "column": "select nothing from kept",
    "table": "select * from nowhere",
    "syntax": "selec 1",
    "exists": "create table kept(i integer)",
    "conversion": "select cast('x' as integer)",
    "constraint": "insert into bounded values (null)",
    "file": "select * from read_csv('/nowhere.csv')",
    "raised": "select error('the connection of these rows is wrong')",
}


@pytest.mark.parametrize("statement", MISTAKES.values(), ids=MISTAKES)
def test_a_user_mistake_is_not_transient(statement: str) -> None:
    """What DuckDB refuses for good is refused for good here."""
    with duckdb.connect() as connection:
        connection.execute("create table kept as select 1 as i; create table bounded(i integer not null)")
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(statement)
    assert not may_pass(str(caught.value))


PASSING = (
    'HTTP Error: Unable to connect to URL "https://x.org/a.parquet": 503 (Service Unavailable).',
    "HTTP GET error on 'https://x.org/a.parquet' (HTTP 429)",
    "IO Error: Connection error for HTTP HEAD to 'https://x.org/a.parquet'",
    "IO Error: Could not establish connection error for HTTP GET to 'http://x.org/'",
    "HTTP Error: Timeout was reached error for HTTP GET to 'http://x.org/'",
    "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally",
    'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
    "could not serialize access due to concurrent update",
    "deadlock detected\nDETAIL:  Process 1 waits for ShareLock",
    "FATAL:  sorry, too many clients already",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    "terminating connection due to administrator command",
    "canceling statement due to lock timeout",
    'could not obtain lock on row in relation "orders"',
    "FATAL:  the database system is starting up",
    "tuple concurrently updated",
    "SSL connection has been closed unexpectedly",
)
STAYING = (
    'HTTP Error: Unable to connect to URL "https://x.org/a.parquet": 404 (Not Found).',
    "HTTP GET error on 'https://x.org/a.parquet' (HTTP 403)",
    'relation "nowhere" does not exist',
    'duplicate key value violates unique constraint "orders_pkey"',
    'FATAL:  password authentication failed for user "shop"',
    "canceling statement due to user request",
    "canceling statement due to statement timeout",
    "permission denied for schema raw",
    "division by zero",
    'invalid byte sequence for encoding "UTF8": 0x00',
    'invalid input syntax for type integer: "Connection refused"',
    "value too long for type character varying(3)\nCONTEXT:  COPY rates, line 1, column said: deadlock detected",
    "Conversion Error: Could not convert string 'deadlock detected' to INT32",
)


@pytest.mark.parametrize("words", PASSING)
def test_transient_database_messages_are_recognized(words: str) -> None:
    """Servers that are busy, gone for a moment, or in the way of themselves."""
    assert may_pass(words)
    assert of_dbt(Status.ERROR, f"Database Error in model fct (models/fct.sql)\n  {words}") is ErrorClass.TRANSIENT
    assert of_expectations(Status.ERROR, [words]) is ErrorClass.TRANSIENT


@pytest.mark.parametrize("words", STAYING)
def test_permanent_database_messages_are_recognized(words: str) -> None:
    """Mistakes, rights, limits that the user set."""
    assert of_dbt(Status.ERROR, words) is ErrorClass.PERMANENT
    assert of_expectations(Status.ERROR, [words]) is ErrorClass.PERMANENT


def of_deadlock(status: Status) -> ErrorClass | None:
    """Give the class of a suite's end whose expectations met a deadlock."""
    return of_expectations(status, ["deadlock detected"])


@pytest.mark.parametrize("classify", [lambda status: of_dbt(status, "deadlock detected"), of_deadlock])
@pytest.mark.parametrize("status", Status)
def test_only_an_error_is_classified_by_its_message(
    classify: Callable[[Status], ErrorClass | None], status: Status
) -> None:
    """A check that says no is data, whatever its message; what ended well has no class."""
    data = {Status.FAIL: ErrorClass.DATA, Status.WARN: ErrorClass.DATA, Status.ERROR: ErrorClass.TRANSIENT}
    assert classify(status) is data.get(status)


def test_a_microbatch_model_passes_only_with_all_its_broken_batches() -> None:
    """One batch with wrong SQL breaks again; dbt's own message only counts."""
    conflict, wrong = "TransactionContext Error: Conflict on update!", "Binder Error: no such column"
    assert of_dbt(Status.ERROR, "PARTIAL SUCCESS (1/3)", [conflict, conflict]) is ErrorClass.TRANSIENT
    assert of_dbt(Status.ERROR, "PARTIAL SUCCESS (1/3)", [conflict, wrong]) is ErrorClass.PERMANENT


def test_a_suite_passes_only_with_all_that_could_not_be_evaluated() -> None:
    """An expectation that asks for a column that is not there stays."""
    assert of_expectations(Status.ERROR, ["deadlock detected", "no such column"]) is ErrorClass.PERMANENT


def test_dbts_own_errors_are_kept_whatever_they_quote() -> None:
    """A compilation error that quotes a text of a database is the project's mistake."""
    assert of_dbt(Status.ERROR, "Compilation Error in model a\n  deadlock detected") is ErrorClass.PERMANENT


@pytest.mark.parametrize(
    "words",
    [
        "write-write conflict",
        "Could not set lock on file",
        "Connection refused",
        "deadlock detected",
        "too many clients",
    ],
)
def test_the_documentation_has_the_words(words: str) -> None:
    """What is judged stands in the tables of docs/repeats.md."""
    assert may_pass(words)
    assert words in DOCS
