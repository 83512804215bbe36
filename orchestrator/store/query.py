"""Runs SQL from the user on the views of the store."""

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from orchestrator.errors import RecordQueryError
from orchestrator.store.database import open_for_reading
from orchestrator.store.statement_limits import without_limit

_HINT = "`elt sql --help` lists the views, and docs/history.md describes their columns."


def query(url: URL, statement: str) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Return the column names and the rows of the result of one statement.

    Raises:
        StoreError: the store does not exist, or it rejects the statement as invalid or as a write.
    """
    engine = open_for_reading(url)
    try:
        with engine.connect() as connection, without_limit(connection):
            # Escaped, because `text` would read a colon and a word as a parameter.
            answer = connection.execute(text(statement.replace(":", r"\:")))
            if not answer.returns_rows:
                raise RecordQueryError("The statement returns no rows: it is not a query.", hint=_HINT)
            return tuple(answer.keys()), tuple(tuple(row) for row in answer)
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise RecordQueryError(f"SQL error: {reason}", hint=_HINT) from error
    finally:
        engine.dispose()
