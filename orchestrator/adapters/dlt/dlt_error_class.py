"""Classifies the error of a load by its chain of exceptions: from the source system, dlt or the database."""

import re
from collections.abc import Iterator

from dlt.common.exceptions import TerminalException, TransientException
from dlt.destinations.exceptions import DestinationConnectionError

from orchestrator.adapters.database_errors import may_pass, state_may_pass
from orchestrator.adapters.dlt.load_errors import chain_of
from orchestrator.execution.outcome import ErrorClass

_BUSY = frozenset({408, 425, 429})
"""HTTP statuses below 500 after which a request should be repeated."""
_DATABASES = frozenset({"duckdb", "_duckdb", "psycopg2", "dlt", "orchestrator"})
"""Packages whose exceptions contain messages of a database."""
_DROPPED = frozenset(
    # Compared by name, because elt does not know which of these libraries a source uses, or whether they are installed.
    {"requests.exceptions.ConnectionError", "requests.exceptions.Timeout", "requests.exceptions.ChunkedEncodingError"}
    | {"httpx.TimeoutException", "httpx.NetworkError", "httpx.RemoteProtocolError"}
    | {"urllib3.exceptions.TimeoutError", "urllib3.exceptions.ProtocolError", "urllib3.exceptions.NewConnectionError"}
    | {"aiohttp.client_exceptions.ClientConnectionError", "aiohttp.client_exceptions.ServerTimeoutError"}
    | {"builtins.ConnectionError", "builtins.TimeoutError", "http.client.IncompleteRead"}
)
_REFUSED = frozenset({"requests.exceptions.SSLError", "ssl.SSLCertVerificationError", "httpx.UnsupportedProtocol"})
"""Connection errors with a permanent cause."""


_WRONG = frozenset(
    {"duckdb.ParserException", "duckdb.BinderException", "duckdb.CatalogException", "psycopg2.ProgrammingError"}
    | {f"{module}.{kind}" for module in ("duckdb", "psycopg2") for kind in ("DataError", "IntegrityError")}
)
_SAYS_WRONG = re.compile(r"\b(?:Parser|Binder|Catalog|Syntax|Conversion|Constraint|Out of Range) Error:")
"""Statements and data that a database will never accept. Conflicts are recognized earlier."""
_CATALOG_RACE = 'violates unique constraint "pg_'
"""Another process created the same schema, table or type at the same time; the next attempt finds it."""


def error_class(error: BaseException) -> ErrorClass:
    """Return the class of a load's error; the first cause that can be classified decides."""
    for link in reversed(list(chain_of(error))):
        passes = _passes(link)
        if passes is not None:
            return ErrorClass.TRANSIENT if passes else ErrorClass.PERMANENT
    return ErrorClass.PERMANENT


def _passes(link: BaseException) -> bool | None:
    """Return whether one exception of the chain is transient; None if it cannot be classified."""
    passes = _passes_by_code(link)
    if passes is not None:
        return passes
    names = set(_names(link))
    if names & _REFUSED:
        return False
    if names & _DROPPED:
        return True
    if type(link).__module__.partition(".")[0] in _DATABASES | {"builtins"} and may_pass(str(link)):
        return True
    if names & _WRONG or (type(link).__module__.partition(".")[0] in _DATABASES and _SAYS_WRONG.search(str(link))):
        return False
    if isinstance(link, DestinationConnectionError):  # includes a wrong password
        return None
    if isinstance(link, TransientException):
        return True
    return False if isinstance(link, TerminalException) else None


def _passes_by_code(link: BaseException) -> bool | None:
    """Return whether the HTTP status or the SQLSTATE says that an exception is transient; None if it has neither."""
    status = _http_status(link)
    if status is not None:
        return status in _BUSY or status >= 500
    sqlstate = getattr(link, "pgcode", None) or getattr(link, "sqlstate", None)
    passes = state_may_pass(sqlstate) if isinstance(sqlstate, str) else None
    return passes or _CATALOG_RACE in str(link) if passes is not None else None


def _http_status(link: BaseException) -> int | None:
    """Return the HTTP status of an exception; requests, httpx, aiohttp and urllib store it in different places."""
    for holder, name in ((getattr(link, "response", None), "status_code"), (link, "status"), (link, "code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 400 <= status < 600:
            return status
    return None


def _names(link: BaseException) -> Iterator[str]:
    for kind in type(link).__mro__:
        # DuckDB's errors are in the module `_duckdb`.
        module = "httpx" if kind.__module__.startswith("httpx.") else kind.__module__.lstrip("_")
        yield f"{module}.{kind.__name__}"
