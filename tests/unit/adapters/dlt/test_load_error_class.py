"""The class of what a load raised: the first cause that tells decides."""

import ssl
import urllib.error
from email.message import Message

import duckdb
import psycopg2
import pytest
import requests
from dlt.destinations.exceptions import (
    DatabaseTerminalException,
    DatabaseTransientException,
    DestinationConnectionError,
    LoadJobTerminalException,
)

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


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_transient_errors_are_recognized(error: BaseException) -> None:
    """A server that is busy or away, a connection that broke, transactions in each other's way."""
    assert error_class(error) is ErrorClass.TRANSIENT


@pytest.mark.parametrize("error", STAYING.values(), ids=STAYING)
def test_permanent_errors_are_recognized(error: BaseException) -> None:
    """A page that is not there, a right that is missing, a mistake in the code."""
    assert error_class(error) is ErrorClass.PERMANENT
