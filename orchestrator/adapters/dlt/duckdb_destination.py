"""Adapts dlt's duckdb destination: its SQL goes through the pipe to the owner of the warehouse, its jobs are marked."""

from collections.abc import Callable
from typing import ClassVar

from dlt.common.destination import Destination
from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from dlt.destinations.impl.duckdb.factory import duckdb

from orchestrator.adapters.children.sql_pipe import PipeConnection
from orchestrator.adapters.dlt.destinations import destination_type
from orchestrator.adapters.dlt.dlt_bridge import file_path_as
from orchestrator.adapters.dlt.load_record import LoadRecord
from orchestrator.adapters.dlt.marked_jobs import MarkedJobs
from orchestrator.adapters.dlt.owner_sql import OwnerSqlClient


class OwnerDuckDbClient(MarkedJobs, DuckDbClient):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's DuckDB client with marked jobs; `owner_destination` sets its class attributes."""

    sql_client: OwnerSqlClient
    sql_client_class: ClassVar[type[OwnerSqlClient]]
    pipe: ClassVar[PipeConnection]
    marked_schemas: ClassVar[set[str]]

    def ensure_marks(self) -> None:
        """Create the table of marks on a separate cursor, because the job's cursor may be in a transaction."""
        if self.marks in self.marked_schemas:
            return
        cursor = self.pipe.cursor()
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self.marks} "
            "(load_id VARCHAR, job VARCHAR, table_name VARCHAR, row_count BIGINT)"
        )
        cursor.close()
        self.marked_schemas.add(self.marks)

    def run_of(self, job: RunnableLoadJob) -> Callable[[], None]:
        """Return a function that runs dlt's own job with an escaped path; dlt puts the path into its SQL unescaped."""
        run: Callable[[], None] = super().run_of(job)

        def run_quoted() -> None:
            with file_path_as(job, lambda path: path.replace("'", "''")):
                run()

        return run_quoted if isinstance(job, DuckDbCopyJob) else run

    def claim(self, load_id: str, job: str, table: str) -> bool:  # noqa: ARG002  # marked when it is done
        """Return whether the job has no mark yet; no other process can write one, because this run owns the file."""
        query = f"SELECT 1 FROM {self.marks} WHERE load_id = %s AND job = %s"  # noqa: S608  # dlt's names
        return not self.sql_client.execute_sql(query, load_id, job)

    def note(self, load_id: str, job: str, table: str, rows: int) -> None:
        """Write the mark."""
        self.sql_client.execute_sql(f"INSERT INTO {self.marks} VALUES (%s, %s, %s, %s)", load_id, job, table, rows)  # noqa: S608


def owner_destination(pipe: PipeConnection, database: str, record: LoadRecord, *, exact_dataset: bool) -> Destination:
    """Return a dlt destination that loads through the pipe; its `loaded` has the row counts by package and table.

    With `exact_dataset`, the schema's name is used as it is, without dlt's normalization.
    """
    sql_client = type("PipedSqlClient", (OwnerSqlClient,), {"pipe": pipe})
    attributes = {
        "sql_client_class": sql_client,
        "pipe": pipe,
        "marked_schemas": set(),
        "record": record,
        "loaded": {},
    }
    client = type("PipedDuckDbClient", (OwnerDuckDbClient,), attributes)

    class OwnerDestination(duckdb):  # type: ignore[misc]  # dlt ships its types unchecked
        """Has the name of dlt's own destination, so that its state and configuration stay valid without elt."""

        loaded, record = attributes["loaded"], attributes["record"]
        destination_type = destination_type("duckdb")
        client_class = client

    options: dict[str, object] = {"enable_dataset_name_normalization": False} if exact_dataset else {}
    options["preferred_loader_file_format"] = "parquet"  # few statements, read by DuckDB in parallel
    credentials = DuckDbCredentials("in-memory" if database == ":memory:" else database)
    return OwnerDestination(credentials=credentials, **options)
