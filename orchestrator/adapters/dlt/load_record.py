"""Records in the target the row counts of each load, in the transaction of its package; read after an interruption."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

OWN_PREFIX = "_"
"""The prefix of dlt's tables, and of elt's own tables."""


class SqlClient(Protocol):
    """The part of a dlt SQL client that is used here."""

    dataset_name: str

    def execute_sql(self, sql: str, *args: object) -> Any:  # noqa: ANN401, D102  # dlt's own
        ...


@dataclass(slots=True, kw_only=True)
class LoadRecord:
    """The record of one step's loads; each load belongs to the run that extracted it."""

    table: str | None
    """The qualified name; None if nothing is recorded."""
    pipeline: str
    run_id: str | None = None
    """The run that extracted the current load; None if it is unknown."""

    def write(self, client: SqlClient, load_id: str, rows: Mapping[str, int]) -> None:
        """Record the row counts of a package by table, in the transaction that completes the package."""
        if self.table is None:
            return
        at = datetime.now(UTC).replace(tzinfo=None)
        for name, count in rows.items():
            if count and not name.startswith(OWN_PREFIX):
                client.execute_sql(
                    f"INSERT INTO {self.table} (dataset, table_name, load_id, rows, loaded_at, pipeline, run_id)"  # noqa: S608
                    " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    *(client.dataset_name, name, load_id, count, at, self.pipeline, self.run_id),
                )

    def of_package(self, client: SqlClient, load_id: str) -> dict[str, int]:
        """Return the row counts of a package, by table."""
        return self._rows(client, "load_id", load_id).get(load_id, {})

    def of_run(self, client: SqlClient, run_id: str) -> dict[str, dict[str, int]]:
        """Return the row counts of a run's packages, by package and table."""
        return self._rows(client, "run_id", run_id)

    def _rows(self, client: SqlClient, column: str, value: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        if self.table is not None:
            query = (
                f"SELECT load_id, table_name, rows FROM {self.table}"  # noqa: S608  # our own names
                f" WHERE {column} = %s AND dataset = %s AND pipeline = %s"
            )
            for load_id, name, rows in client.execute_sql(query, value, client.dataset_name, self.pipeline):
                found.setdefault(str(load_id), {})[str(name)] = int(rows)
        return found
