"""Statements that are compiled once and executed for every step of a run."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, update
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


def key_of(**values: object) -> Values:
    """Name what a row is found by as `Prepared.update` wants it."""
    return {_OF + name: value for name, value in values.items()}
