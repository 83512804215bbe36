"""Prints the rows of every table and view of the named schemas as JSON; with `--empty`, empties the tables after.

An emptied table has its rows again only if the next contender really built it.
"""

import json
import sys

import duckdb


def main(database: str, schemas: list[str], *, empty: bool) -> None:
    """Count each relation."""
    with duckdb.connect(database) as connection:
        found = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables "
            "where list_contains(?, table_schema) order by all",
            [schemas],
        ).fetchall()
        names = {f'"{schema}"."{name}"': kind for schema, name, kind in found}
        counts = {name: len(connection.sql(f"from {name}")) for name in names}
        for name, kind in names.items():
            if empty and kind == "BASE TABLE":
                connection.execute(f"delete from {name}")
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], [word for word in sys.argv[2:] if word != "--empty"], empty="--empty" in sys.argv)
