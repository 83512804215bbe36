"""Keeps what dbt sent to DuckDB for a node and what it was answered, and sends it again.

dbt's materializations of incremental models, snapshots and seeds ask the database, and send what follows from the
answers. So the same statements are right as long as every answer is the same. Another answer shows before anything is
committed, and dbt then executes the node from the beginning.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.reuse.fingerprints.digest import digest_of

_HARMLESS = frozenset({"close", "interrupt"})
"""What may be called on a cursor, besides what is noted, without making its statements differ from what was sent."""
_WRITES = re.compile(r"\s*(?:create|alter|drop|insert|update|delete|merge|truncate|copy)\b", re.IGNORECASE)
"""Statements that are answered by a number of rows. The materializations drop it, although dbt fetches it for some."""


class OtherAnswerError(Exception):
    """The database does not answer as it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStatement:
    """A statement, and the digests of what dbt read of its answer."""

    sql: str
    columns: str | None = None
    rows: str | None = None


Statements = tuple[SentStatement | None, ...]
"""What was sent, in order; None is the place of the marker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStatements:
    """Everything that dbt sent for a node that succeeded."""

    statements: Statements
    existed: tuple[str | None, ...]
    """The kinds of the relations that dbt looked up in its cache: the node's own, and those beside it."""
    message: str | None
    response: Mapping[str, object]
    run_text: str
    """The text of the file in `target/run`."""


class StatementLog:
    """Notes the statements of one node."""

    def __init__(self, without_comment: Callable[[str], str], *, commits: bool = True) -> None:
        """Set what removes dbt's query comment, which may differ in each run; a test `commits` nothing."""
        self._without_comment = without_comment
        self._commits = commits
        self._noted: list[SentStatement | None] = []
        self._is_committed = self._is_spoiled = self._is_silent = False

    def execute(self, sql: str, bindings: object) -> None:
        """Note a statement; values that are bound are not kept."""
        if self._is_silent:
            return
        text = self._without_comment(sql)
        self._noted.append(SentStatement(sql=text))
        commits = is_commit(text)
        self._is_spoiled |= bindings is not None or (commits and self._is_committed)
        self._is_committed |= commits

    def answer(self, *, columns: object = None, rows: object = None) -> None:
        """Note what dbt reads of the answer to the last statement."""
        if self._is_silent:
            return
        last = self._noted[-1] if self._noted else None
        if last is not None and _WRITES.match(last.sql):
            return
        if last is None or self._is_committed:  # too late to hand the node to dbt if the answer is another
            self._is_spoiled = True
            return
        self._noted[-1] = SentStatement(
            sql=last.sql,
            columns=last.columns if columns is None else answer_digest(columns),
            rows=last.rows if rows is None else answer_digest(rows),
        )

    def spoil(self) -> None:
        """Note that something happened that cannot be repeated."""
        self._is_spoiled |= not self._is_silent

    @contextmanager
    def marking(self) -> Iterator[None]:
        """Note only the place of what is sent inside the block: the marker."""
        self._is_spoiled |= None in self._noted or self._is_committed
        self._noted.append(None)
        self._is_silent = True
        try:
            yield
        finally:
            self._is_silent = False

    @property
    def statements(self) -> Statements | None:
        """What was sent; None if it cannot be sent again."""
        return None if self._is_spoiled or self._is_committed is not self._commits else tuple(self._noted)


class WatchedCursor:
    """A cursor of dbt-duckdb whose statements are noted."""

    def __init__(self, cursor: Any, log: StatementLog) -> None:  # noqa: ANN401  # dbt-duckdb's
        self._cursor = cursor
        self.log = log

    def execute(self, sql: str, bindings: Any = None) -> Any:  # noqa: ANN401  # the driver's
        """Run a statement."""
        self.log.execute(sql, bindings)
        self._cursor.execute(sql, bindings)
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401  # the driver's
        """The columns of the answer."""
        found = self._cursor.description
        self.log.answer(columns=found)
        return found

    def fetchall(self) -> Any:  # noqa: ANN401  # the driver's
        """Return the rows of the answer."""
        found = self._cursor.fetchall()
        self.log.answer(rows=found)
        return found

    def fetchone(self) -> Any:  # noqa: ANN401  # the driver's
        """Return the first row of the answer; it is compared as if it were the only one."""
        found = self._cursor.fetchone()
        self.log.answer(rows=[] if found is None else [found])
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever else is asked
        if name not in _HARMLESS:
            self.log.spoil()
        return getattr(self._cursor, name)


def answer_digest(value: object) -> str:
    """Return the digest of columns or rows as the driver returns them."""
    return digest_of(repr(value))


def send_again(cursor: Any, sent: SentStatements, leave_marker: Callable[[], object]) -> None:  # noqa: ANN401  # the driver's
    """Send the statements again.

    Whatever happens after the commit is no error: executing the node once more could write its rows twice.

    Raises:
        OtherAnswerError: The database answers otherwise than it did. Nothing has been committed.
    """
    is_committed = False
    for one in sent.statements:
        if one is None:
            leave_marker()
        elif is_committed:
            with suppress(Exception):  # it removes what is temporary
                cursor.execute(one.sql)
        else:
            cursor.execute(one.sql)
            _compare(cursor, one)
            is_committed = is_commit(one.sql)


def is_commit(sql: str) -> bool:
    """Return whether a statement ends the transaction with its changes."""
    return sql.strip().upper() == "COMMIT"


def _compare(cursor: Any, one: SentStatement) -> None:  # noqa: ANN401  # the driver's
    if one.columns is not None and answer_digest(cursor.description) != one.columns:
        raise OtherAnswerError
    if one.rows is not None and answer_digest(cursor.fetchall()) != one.rows:
        raise OtherAnswerError


def sent_to_json(sent: SentStatements) -> dict[str, object]:
    """Return statements in the form in which they are kept."""
    statements = [None if one is None else [one.sql, one.columns, one.rows] for one in sent.statements]
    return {**asdict(sent), "statements": statements, "existed": list(sent.existed)}


def sent_from_json(found: Mapping[str, Any]) -> SentStatements:
    """Return statements that were kept."""
    noted: Sequence[Any] = found["statements"]
    statements = (None if one is None else SentStatement(sql=one[0], columns=one[1], rows=one[2]) for one in noted)
    return SentStatements(**{**found, "statements": tuple(statements), "existed": tuple(found["existed"])})
