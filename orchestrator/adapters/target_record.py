"""Keeps a record of builds and loads in the target itself: creates the tables for it, and reads them.

Nothing here stops a run. If the tables cannot be created or trusted, this is reported once and nothing is recorded.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from orchestrator.adapters import record_sql as sql
from orchestrator.adapters.lost_race import lost_race
from orchestrator.adapters.sql_words import literal
from orchestrator.errors import WarehouseError
from orchestrator.execution.ports import Request
from orchestrator.execution.recorded import MarkedBatch
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Content
from orchestrator.reuse.last_success import Marker

Ask = Callable[[str], list[tuple[Any, ...]]]
"""Runs one statement in the target and returns its rows; raises WarehouseError."""
_MISSED = (
    "The database {database} has no record of what it holds, although recorded runs built there: its schema {schema}"
    " was dropped, this is another copy of it, or an older elt built it. The schema is created again."
)
MOST_ROWS = 10_000_000
_SPARE = 200
"""This many old markers may accumulate before they are removed."""
_TRIES = 10
"""More than the objects to create: each of them can be created first by another run, once."""


class SqlTargetRecord:
    """Our tables in the databases of one target; may be used from any thread."""

    def __init__(
        self,
        ask: Ask,
        dialect: sql.RecordDialect,
        database_of: Callable[[StepId], str | None],
        *,
        main: str,
        reach: Callable[[str], None] = lambda _database: None,
        taken: Collection[str] = (),
        tell: Callable[[str], None] = lambda _message: None,
    ) -> None:
        """Read and write with `ask`, in the `main` database or in one that `reach` makes reachable.

        Both raise WarehouseError. `taken` are the databases in which the project's own models are built in a schema
        with our name.
        """
        self.schema = sql.SCHEMA
        """The schema of our tables; that of a run with a schema prefix has the prefix."""
        self._ask = ask
        self._dialect = dialect
        self._main = main.lower()
        self._reach = reach
        self._database_of = database_of
        self._taken = frozenset(database.lower() for database in taken)
        self.most_rows = MOST_ROWS
        """Builds of larger tables record no checksum; a setting of the project."""
        self.on_content: Callable[[StepId, Content], None] = lambda _step, _content: None
        """Called on the build's own thread with what the build leaves if it succeeds."""
        self._tell = tell
        self._lock = threading.Lock()
        self._made: dict[str, bool] = {}
        self._is_expected = False

    def home(self, database: str) -> sql.Home:
        """Return where our tables are in a database."""
        return sql.Home(database=database, schema=self.schema)

    def make(self, databases: Iterable[str], *, is_expected: bool = False) -> None:
        """Create missing tables in these databases; once per database, before anything is written there.

        With `is_expected`, report if they had to be created although the database has other tables.
        """
        for database in databases:
            with self._lock:
                # Under the lock, so that other threads wait until the tables exist.
                if database.lower() not in self._made:  # databases ignore case in database names
                    self._is_expected = is_expected
                    self._made[database.lower()] = self._attempt_to_make(database)

    def is_made(self, database: str | None) -> bool:
        """Return whether a database can be written to."""
        return database is not None and self._made.get(database.lower(), False)

    def note_content(self, node: NodeId, content: Content) -> None:
        """Report what a build leaves if it succeeds."""
        self.on_content(StepId(node), content)

    def loads_in(self, database: str) -> str | None:
        """Return the qualified table in which loads record the rows that they wrote; None if there is none."""
        return self.home(database).table(sql.LOADS) if self.is_made(database) else None

    def markers(self, relations: Mapping[StepId, Relation]) -> Mapping[StepId, Marker]:
        """Return for each step the newest marker of its relation, whichever node built it."""
        by_database: dict[str, dict[StepId, Relation]] = defaultdict(dict)
        for step, relation in relations.items():
            by_database[relation.database or self._main][step] = relation
        found: dict[StepId, Marker] = {}
        for database, wanted in by_database.items():
            newest: dict[tuple[str, str], tuple[int, Marker]] = {}
            for number, marker in enumerate(self._read(database)):
                # Markers come oldest first, so the last one of a name is the newest.
                newest[sql.names_in(marker.relation, self._dialect)] = (number, marker)
            for step, relation in wanted.items():
                names = newest.keys() & sql.names_of(relation, self._dialect)
                if names:
                    found[step] = max((newest[name] for name in names), key=lambda one: one[0])[1]
        return found

    def batches(self, run_id: str, step: StepId) -> tuple[MarkedBatch, ...]:
        """Return the batches of a microbatch model that were done in a run."""
        database = self._database_of(step)
        if database is None or not self._is_readable(database):
            return ()
        found = []
        for start, planned in self._ask(sql.asks_for_batches(self.home(database), run_id, step)):
            with suppress(ValueError):  # the row was edited
                first, _, end = str(planned).partition("/")
                moments = [datetime.fromisoformat(moment) for moment in (start, first, end)]
                found.append(MarkedBatch(start=moments[0], first=moments[1], end=moments[2]))
        return tuple(found)

    def doubt(self, request: Request, relation: Relation) -> None:
        """Revoke the record of a node whose relation turned out to differ. Raises WarehouseError."""
        database = self._database_of(request.step.id)
        if database is not None and self.is_made(database):
            self._ask(sql.doubts(self.home(database), relation, request))

    def clear_leftovers(self, step: StepId, relation: Relation) -> None:
        """Drop the leftovers of a build that was interrupted between its commit and its own cleanup."""
        database = self._database_of(step)
        if database is None:
            return
        for name, kind in self._ask(sql.asks_for_left_over(database, relation)):
            self._ask(sql.drops(database, relation.schema, name, kind))

    def _read(self, database: str) -> Iterable[Marker]:
        """Read the newest marker of each relation, oldest first; incomplete rows are ignored."""
        try:
            there = self._readable(database)
            if there is None:
                return []
            has_content = not sql.missing(sql.STANDING, there)
            rows = self._ask(sql.asks_for_markers(self._dialect, self.home(database), with_content=has_content))
        except WarehouseError:  # reported when the tables are created
            return []
        return [_marker(row) for row in rows if None not in row[:-1]]

    def _is_readable(self, database: str) -> bool:
        """Return whether the table exists and has the expected columns."""
        return self._readable(database) is not None

    def _readable(self, database: str) -> Mapping[str, str] | None:
        """Return the columns of the table; None if it does not exist or lacks expected columns."""
        if database.lower() != self._main:
            self._reach(database)
        # The project's own models are in a schema of this name.
        if database.lower() in self._taken:
            return None
        there = self._columns(database).get(sql.STANDING, {})
        return there if sql.fits(sql.STANDING, there) else None

    def _attempt_to_make(self, database: str) -> bool:
        for attempts_left in reversed(range(_TRIES)):
            try:
                return self._make(database)
            except WarehouseError as error:
                if attempts_left and lost_race(error):
                    continue  # another run creates the tables too: check again which exist now
                self._tell(
                    f"Builds are not recorded in {database} itself: {error.message.splitlines()[0]}\n"
                    "Give the user who runs this the right to make tables there, or set state_in_target: false in"
                    " elt.yml."
                )
                return False
        raise AssertionError("the last try returns")

    def _make(self, database: str) -> bool:
        if database.lower() != self._main and not self._ask(
            self._dialect.keeps_tables.format(database=literal(database.lower()))
        ):
            return False  # attached from another kind of database
        there = self._columns(database)
        if database.lower() in self._taken or _is_anothers(there):
            self._tell(
                f"Builds are not recorded in {database} itself: its schema {self.schema} holds other tables.\n"
                "Call that schema something else, or set state_in_target: false in elt.yml."
            )
            return False
        if not self._ask(sql.asks_for_schema(self._dialect, self.home(database))):
            if self._is_expected and self._ask(sql.asks_for_others(database)):
                self._tell(_MISSED.format(database=database, schema=self.schema))
            self._ask(sql.makes_schema(self._dialect, self.home(database)))
        for table in sql.COLUMNS:
            if table in there and not sql.fits(table, there[table]):
                self._put_aside(database, table)
            if table not in there or not sql.fits(table, there[table]):
                self._ask(sql.makes_table(self._dialect, self.home(database), table))
            else:
                for column in sql.missing(table, there[table]):
                    self._ask(sql.adds_column(self.home(database), table, column))
        # `if not exists` also succeeds for a table of another role, into which this user cannot write.
        if not all(self._ask(sql.asks_for_rights(self._dialect, self.home(database), table)) for table in sql.COLUMNS):
            raise WarehouseError(f"no permission to write to the schema {self.schema}, which another role created")
        self._tidy(database)
        return True

    def _put_aside(self, database: str, table: str) -> None:
        # Renamed, not dropped: nothing shows whose rows these are.
        aside = f"{table}_before_{datetime.now(UTC):%Y%m%dT%H%M%S}"
        self._ask(sql.renames_table(self.home(database), table, aside))
        self._tell(
            f"The table {self.schema}.{table} of {database} does not have the columns that elt created, so it is not"
            f" used. It was renamed to {self.schema}.{aside}, and a new table was created."
        )

    def _tidy(self, database: str) -> None:
        [(markers, nodes)] = self._ask(sql.counts_markers(self.home(database)))
        if markers - nodes > max(_SPARE, nodes):
            self._ask(sql.forgets_markers(self._dialect, self.home(database)))

    def _columns(self, database: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for table, column, kind in self._ask(sql.asks_for_columns(self.home(database))):
            found[table][column] = kind
        return found


def _is_anothers(there: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether the schema belongs to something else: it holds tables, and they are not ours."""
    named = [table for table in sql.COLUMNS if table in there]
    if not named:
        return bool(there)
    return not all(sql.is_ours(table, there[table]) for table in named)


def _marker(row: tuple[Any, ...]) -> Marker:
    step_id, relation, run_id, attempt, digest, identity, at, is_whole, content = row
    return Marker(
        step_id=StepId(step_id),
        relation=relation,
        run_id=run_id,
        attempt=int(attempt),
        digest=digest,
        identity=identity,
        at=at.replace(tzinfo=UTC),
        is_whole=bool(is_whole),
        content=content,
    )
