"""Statements that are compiled once and executed for every step of a run."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

Values = dict[str, Any]

_OF = "of_"  # in front of what a row is found by, so that it is no column that is set


class Prepared:
    """One statement in one database's own SQL.

    SQLAlchemy finds out anew at each execution which statement it has before it; for a row a step that costs several
    times what the database takes to write it.
    """

    def __init__(self, statement: UpdateBase, dialect: Dialect, columns: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup if compiled.positional else None
        self._binders: dict[str, Callable[[Any], Any]] = {
            name: binder
            for name, parameter in compiled.binds.items()
            if (binder := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }

    @classmethod
    def insert(cls, table: Table, dialect: Dialect, columns: Sequence[str]) -> "Prepared":
        """Prepare the insertion of rows that have these columns."""
        return cls(insert(table), dialect, columns)

    @classmethod
    def insert_new(cls, table: Table, dialect: Dialect, columns: Sequence[str], key: Sequence[str]) -> "Prepared":
        """Prepare the insertion of rows that leaves those alone whose key is there."""
        return cls(_own_insert(table, dialect).on_conflict_do_nothing(index_elements=list(key)), dialect, columns)

    @classmethod
    def put(cls, table: Table, dialect: Dialect, columns: Sequence[str], key: Sequence[str]) -> "Prepared":
        """Prepare putting rows in the place of those that have the same key, or beside the others."""
        new = _own_insert(table, dialect)
        values = {name: new.excluded[name] for name in columns if name not in key}
        return cls(new.on_conflict_do_update(index_elements=list(key), set_=values), dialect, columns)

    @classmethod
    def update(cls, table: Table, dialect: Dialect, key: Sequence[str], columns: Sequence[str]) -> "Prepared":
        """Prepare setting these columns of the row that is found by `key`, whose values are given as `of_<name>`."""
        found = (table.c[name] == bindparam(_OF + name, type_=table.c[name].type) for name in key)
        values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
        return cls(update(table).where(*found).values(values), dialect, columns)

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Execute the statement with each of the rows."""
        if rows:
            connection.exec_driver_sql(self._text, [self._bound(row) for row in rows])

    def _bound(self, row: Values) -> Any:  # noqa: ANN401  # as the driver wants it: by position, or by name
        binders = self._binders
        bound = {name: binders[name](value) if name in binders else value for name, value in row.items()}
        return bound if self._order is None else tuple(bound[name] for name in self._order)


def _own_insert(table: Table, dialect: Dialect) -> Any:  # noqa: ANN401  # of one database or the other
    """Begin an insert in the words of this database: what is to happen to rows that are there is said in no others."""
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(table)


def key_of(**values: object) -> Values:
    """Name what a row is found by as `Prepared.update` wants it."""
    return {_OF + name: value for name, value in values.items()}
