"""The class of what a load raised: the first cause that tells decides."""

import ssl
import urllib.error
from email.message import Message

import duckdb
import psycopg2
import psycopg2.errors
import pytest
import requests
from dlt.destinations.exceptions import (
    DatabaseTerminalException,
    DatabaseTransientException,
    DestinationConnectionError,
    LoadJobTerminalException,
)
from dlt.load.exceptions import LoadClientJobRetry

from orchestrator.adapters.dlt.dlt_error_class import error_class
from orchestrator.execution.outcome import ErrorClass


def answered(status: int) -> requests.HTTPError:
    """Make what requests raises for a status."""
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status} for url", response=response)


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Make an error that was raised from another."""
    error.__cause__ = cause
    return error


def refused(sqlstate: str, message: str = "") -> BaseException:
    """Make what dlt raises when PostgreSQL refuses the statement of a load job: dlt wants to retry any of them."""
    kind = psycopg2.errors.lookup(sqlstate)
    error = type(kind.__name__, (kind,), {"pgcode": sqlstate, "__module__": kind.__module__})(message or sqlstate)
    return LoadClientJobRetry("1", "rates.1.csv", 5, 5, str(error), error)


CONFLICT = duckdb.TransactionException('TransactionContext Error: Catalog write-write conflict on create with "t"')
PASSING = {
    "429": answered(429),
    "503": answered(503),
    "408": answered(408),
    "wrapped by the user": caused(RuntimeError("the API is down"), answered(502)),
    "urllib": urllib.error.HTTPError("http://x.org", 500, "no", Message(), None),
    "requests, refused": requests.ConnectionError("refused"),
    "requests, timed out": requests.ReadTimeout("30 s"),
    "requests, cut short": requests.exceptions.ChunkedEncodingError("cut"),
    "reset": ConnectionResetError(104, "Connection reset by peer"),
    "timed out": TimeoutError("timed out"),
    "dlt, transient": DatabaseTransientException(RuntimeError("x")),
    "conflict that dlt calls terminal": DatabaseTerminalException(CONFLICT),
    "conflict": CONFLICT,
    "psycopg2": psycopg2.OperationalError("server closed the connection unexpectedly"),
    "destination that is not there": DestinationConnectionError(
        "postgres", "raw", "Connection refused", psycopg2.OperationalError("Connection refused")
    ),
}
STAYING = {
    "404": answered(404),
    "401": answered(401),
    "certificate": requests.exceptions.SSLError("bad certificate"),
    "verification": caused(RuntimeError("x"), ssl.SSLCertVerificationError("expired")),
    "URL": requests.exceptions.InvalidURL("x"),
    "bug": ZeroDivisionError("division by zero"),
    "words of the user": ValueError("503 rows are wrong"),
    "dlt, terminal": LoadJobTerminalException("f.parquet", "bad"),
    "SQL": DatabaseTerminalException(duckdb.BinderException("Binder Error: no such column")),
    "SQL that dlt calls transient": caused(
        DatabaseTransientException(duckdb.ParserException("Parser Error: syntax error")),
        duckdb.ParserException("Parser Error: syntax error"),
    ),
    "SQL of PostgreSQL": DatabaseTransientException(psycopg2.ProgrammingError("syntax error")),
    "password": DestinationConnectionError(
        "postgres", "raw", "password", psycopg2.OperationalError("password authentication failed")
    ),
    "disk": OSError(28, "No space left on device"),
}


BY_STATE = {
    "22000": ErrorClass.PERMANENT,  # data exception: every code of the class
    "22001": ErrorClass.PERMANENT,
    "22003": ErrorClass.PERMANENT,
    "22021": ErrorClass.PERMANENT,  # invalid byte sequence for encoding
    "22P02": ErrorClass.PERMANENT,
    "22P04": ErrorClass.PERMANENT,
    "22P05": ErrorClass.PERMANENT,
    "23502": ErrorClass.PERMANENT,
    "23505": ErrorClass.PERMANENT,
    "25006": ErrorClass.PERMANENT,
    "28P01": ErrorClass.PERMANENT,
    "3D000": ErrorClass.PERMANENT,
    "40002": ErrorClass.PERMANENT,
    "42501": ErrorClass.PERMANENT,
    "42601": ErrorClass.PERMANENT,
    "42P01": ErrorClass.PERMANENT,
    "53100": ErrorClass.PERMANENT,  # disk full
    "57014": ErrorClass.PERMANENT,  # statement timeout
    "57P04": ErrorClass.PERMANENT,
    "P0001": ErrorClass.PERMANENT,
    "08006": ErrorClass.TRANSIENT,
    "40001": ErrorClass.TRANSIENT,
    "40P01": ErrorClass.TRANSIENT,
    "53300": ErrorClass.TRANSIENT,
    "55006": ErrorClass.TRANSIENT,
    "55P03": ErrorClass.TRANSIENT,
    "57P01": ErrorClass.TRANSIENT,
    "57P03": ErrorClass.TRANSIENT,
}


@pytest.mark.parametrize(("sqlstate", "expected"), BY_STATE.items(), ids=BY_STATE)
def test_an_error_of_postgresql_is_classified_by_its_sqlstate(sqlstate: str, expected: ErrorClass) -> None:
    """Whatever dlt calls it, and whatever text of the user's data it quotes."""
    quoting = {ErrorClass.PERMANENT: "deadlock detected", ErrorClass.TRANSIENT: "wrong syntax"}[expected]
    assert error_class(refused(sqlstate, quoting)) is expected


def test_an_internal_error_of_postgresql_is_classified_by_its_message() -> None:
    """XX000 is what the server has no code for."""
    assert error_class(psycopg2.OperationalError("tuple concurrently updated")) is ErrorClass.TRANSIENT
    assert error_class(refused("XX000", "tuple concurrently updated")) is ErrorClass.TRANSIENT


def test_another_process_that_creates_the_same_schema_is_not_a_data_error() -> None:
    """The catalog's own unique indexes are violated only by two creations at the same time."""
    taken = 'duplicate key value violates unique constraint "pg_namespace_nspname_index"'
    assert error_class(refused("23505", taken)) is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [
        duckdb.ConversionException("Conversion Error: Could not convert string 'Connection refused' to INT32"),
        duckdb.ConstraintException("Constraint Error: NOT NULL constraint failed: t.i"),
        duckdb.OutOfRangeException("Out of Range Error: 300 does not fit"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_data_that_duckdb_refuses_is_permanent(error: BaseException) -> None:
    """Also where dlt would retry the job."""
    assert error_class(LoadClientJobRetry("1", "t.1.parquet", 5, 5, str(error), error)) is ErrorClass.PERMANENT


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_transient_errors_are_recognized(error: BaseException) -> None:
    """A server that is busy or away, a connection that broke, transactions in each other's way."""
    assert error_class(error) is ErrorClass.TRANSIENT


@pytest.mark.parametrize("error", STAYING.values(), ids=STAYING)
def test_permanent_errors_are_recognized(error: BaseException) -> None:
    """A page that is not there, a right that is missing, a mistake in the code."""
    assert error_class(error) is ErrorClass.PERMANENT
