"""Compiles SQL statements once and executes them for every step of a run."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

Values = dict[str, Any]

_OF = "of_"  # prefix of the key parameters, which separates them from the columns that are set


class Prepared:
    """One statement in the SQL of one database.

    SQLAlchemy computes the cache key of a statement at each execution. For single rows this costs several times what
    the database needs to write the row.
    """

    def __init__(self, statement: UpdateBase, dialect: Dialect, columns: Sequence[str]) -> None:
        # Once per writer: all rows of a run reuse this text.
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
        """Return a statement that inserts rows with these columns."""
        return cls(insert(table), dialect, columns)

    @classmethod
    def insert_new(cls, table: Table, dialect: Dialect, columns: Sequence[str], key: Sequence[str]) -> "Prepared":
        """Return a statement that inserts rows, and leaves existing rows with the same key unchanged."""
        return cls(_own_insert(table, dialect).on_conflict_do_nothing(index_elements=list(key)), dialect, columns)

    @classmethod
    def put(cls, table: Table, dialect: Dialect, columns: Sequence[str], key: Sequence[str]) -> "Prepared":
        """Return a statement that inserts rows, and replaces existing rows with the same key."""
        new = _own_insert(table, dialect)
        values = {name: new.excluded[name] for name in columns if name not in key}
        return cls(new.on_conflict_do_update(index_elements=list(key), set_=values), dialect, columns)

    @classmethod
    def update(cls, table: Table, dialect: Dialect, key: Sequence[str], columns: Sequence[str]) -> "Prepared":
        """Return a statement that sets these columns in the row whose key is given as `of_<name>` parameters."""
        found = (table.c[name] == bindparam(_OF + name, type_=table.c[name].type) for name in key)
        values = {name: bindparam(name, type_=table.c[name].type) for name in columns}
        return cls(update(table).where(*found).values(values), dialect, columns)

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Execute the statement for each of the rows."""
        if rows:
            connection.exec_driver_sql(self._text, [self._bound(row) for row in rows])

    def _bound(self, row: Values) -> Any:  # noqa: ANN401  # as the driver expects it: by position or by name
        binders = self._binders
        bound = {name: binders[name](value) if name in binders else value for name, value in row.items()}
        return bound if self._order is None else tuple(bound[name] for name in self._order)


def _own_insert(table: Table, dialect: Dialect) -> Any:  # noqa: ANN401  # the type depends on the database
    """Return an insert of the database's own dialect, because conflict handling is not part of the common one."""
    # Imported here: the dialects of PostgreSQL take longer to import than most commands that read the store.
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def key_of(**values: object) -> Values:
    """Return the key parameters of a row for `Prepared.update`."""
    return {_OF + name: value for name, value in values.items()}
