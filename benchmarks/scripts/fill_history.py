"""Makes a record of many runs out of a record of one, `fill_history FROM TO RUNS`: each a minute after the other."""

import shutil
import sqlite3
import sys

OF_A_RUN = ("runs", "steps", "attempts", "parts", "events", "fingerprints")


def main(source: str, filled: str, runs: int) -> None:
    shutil.copyfile(source, filled)
    with sqlite3.connect(filled, isolation_level=None) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("begin")
        ((run_id,),) = connection.execute("select run_id from runs")
        connection.execute(
            "create temp table numbers as with recursive n(n) as "
            "(select 1 union all select n + 1 from n where n < ?) select n from n",
            [runs - 1],
        )
        for table in OF_A_RUN:
            copy_rows(connection, table, run_id)
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def copy_rows(connection: sqlite3.Connection, table: str, run_id: str) -> None:
    """Add the rows of the one run once more for each number, as those of a run of its own."""
    columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    moved = {
        "run_id": "printf('%s-%06d', run_id, n)",
        **dict.fromkeys(("started_at", "ended_at", "heartbeat_at", "at"), None),
    }
    values = [
        f"strftime('%Y-%m-%d %H:%M:%f000', {name}, n || ' minutes')"
        if name in moved and moved[name] is None
        else moved.get(name, f'"{name}"')
        for name in columns
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    connection.execute(
        f"insert into {table} ({names}) select {', '.join(values)} from {table}, numbers where run_id = ?", [run_id]
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
