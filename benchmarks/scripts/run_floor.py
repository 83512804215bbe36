"""Runs compiled statements straight through DuckDB, one after the other: the floor under any orchestrator.

Takes the database, a JSON list of statements with their node, and the file to write what became of each.
"""

import json
import sys
from pathlib import Path

import duckdb


def main(database: str, statements: str, results: str) -> None:
    """Build models and count the failing rows of tests."""
    statuses = {}
    with duckdb.connect(database) as connection:
        for statement in json.loads(Path(statements).read_text()):
            answer = connection.execute(statement["sql"]).fetchone()
            failing = statement["is_test"] and answer != (0,)
            statuses[statement["node"]] = "fail" if failing else "pass" if statement["is_test"] else "success"
    Path(results).write_text(json.dumps(statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
