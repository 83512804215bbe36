"""The process of which runs with the real dbt and dlt are forked: `elt`, and a moment at which it dies."""

import json
import os
from pathlib import Path

from orchestrator.cli.main import run_command_line
from orchestrator.faults import passing
from tests.faults.afflictions import afflict
from tests.faults.forking import serve
from tests.warm_children import install
from tests.warm_server import get_warm

DBT_ASKS = "before a statement of dbt"
DBT_IS_ANSWERED = "after a statement of dbt"


def main() -> None:
    """Run `elt` until nobody asks for it any more."""
    from dbt.adapters.duckdb.environments import local

    get_warm()  # what takes seconds is done once
    install()
    tell_of_statements(local.DuckDBCursorWrapper)
    serve(obey)


def tell_of_statements(cursor: type) -> None:
    """Pass a point before and after each statement that dbt has for the database, its commits among them."""
    execute = cursor.execute

    def told(self, sql, bindings=None):
        passing(DBT_ASKS)
        answer = execute(self, sql, bindings)
        passing(DBT_IS_ANSWERED)
        return answer

    cursor.execute = told


def obey(order: dict) -> int:
    """Run `elt`; what it says, and how often it passed each point, is left in the folder."""
    folder = Path(order["folder"])
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    for name, stream in (("out.txt", 1), ("err.txt", 2)):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), stream)
    with afflict(folder, order["fault"]) as (passings, _clock):
        code = run_command_line([*order["words"], "--project-dir", str(folder)])
    (folder / "passings.json").write_text(json.dumps(passings))
    return code


if __name__ == "__main__":
    main()
