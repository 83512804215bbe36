"""Reads the content of a build in DuckDB, on dbt's own connection and inside the build's transaction.

The SQL is that of `Warehouse.contents`, so that contents read later are comparable. A statement that fails aborts the
transaction. So a relation is not queried before the catalog says that it exists.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb

from orchestrator.adapters.contents import Built, Shape, too_many
from orchestrator.adapters.duckdb import duckdb_content as content
from orchestrator.adapters.sql_words import literal
from orchestrator.reuse.facts import VIEW, Content


def content_in_duckdb(cursor: Any, built: Built, settings: Mapping[str, Any]) -> Content | None:  # noqa: ANN401
    """Return the content of what was built; None if it does not exist.

    The cursor is in the transaction of the build. `settings` are those of dbt's sessions.
    """
    names = built.relation.database or "", built.relation.schema, built.relation.identifier
    text: str | None = None
    # dbt's own materializations of this kind leave a table, so the catalog need not be asked.
    if not built.is_table:
        for kind, query in content.LOOK_UPS.items():
            asked = query.format(**dict(zip(("database", "schema", "name"), map(_lower, names), strict=True)))
            found = cursor.execute(asked).fetchall()
            if found:
                text = found[0][0] if kind == VIEW else None
                break
        else:
            return None
    shape = content.shape_in_transaction(*names, (), text)
    described = cursor.execute(f"describe {content.named(shape)}").fetchall()
    shape = content.shape_in_transaction(*names, described, text)
    if shape.kind == VIEW:
        body = content.body_of(text or "")
        return _rows_of_file(cursor, shape, body, built, settings) if built.writes_file else shape.without_rows()
    [(count,)] = cursor.execute(content.asks_for_count(shape)).fetchall()
    if count > built.most_rows:
        return shape.without_rows(too_many(built.most_rows), count=count)
    # With the exact count, the checksum needs no limit.
    shape = replace(shape, most=count)
    [answer] = cursor.execute(content.checksums(0, shape, built.most_rows)).fetchall()
    return shape.read(answer, built.most_rows)


def _rows_of_file(
    cursor: Any,  # noqa: ANN401  # dbt's
    shape: Shape,
    query: str | None,
    built: Built,
    settings: Mapping[str, Any],
) -> Content:
    """Read the rows of a view over files on a separate cursor, where an error does not affect the build."""
    if query is None:
        return shape.without_rows("its definition has another form than expected")
    with cursor.cursor() as beside:
        try:
            for name, value in settings.items():
                beside.execute(f"set {name} = {literal(str(value))}")
            [answer] = beside.execute(content.checksums(0, shape, built.most_rows, source=f"({query})")).fetchall()
        except duckdb.Error as error:
            return shape.without_rows(str(error).strip().splitlines()[0])
    return shape.read(answer, built.most_rows)


def _lower(name: str) -> str:
    return literal(name.lower())
