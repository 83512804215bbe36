"""dlt's duckdb destination in the owner's warehouse, where every load job counts once however often it is tried.

dlt loads at least once: killed between a copy and its note on disk, it copies again. Here each job runs in one
transaction with a row that marks it as done, and a job that is marked is not run again.
"""

from collections.abc import Callable
from typing import ClassVar

from dlt.common.destination import Destination, DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob, RunnableLoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.storages.load_package import ParsedLoadJobFileName
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration, DuckDbCredentials
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.factory import duckdb

from orchestrator.adapters.dlt.grouping import OUR_DESTINATION
from orchestrator.adapters.dlt.owner_sql import OwnerConnection, OwnerSqlClient
from orchestrator.adapters.sql_pipe import PipeConnection

MARKS = "_elt_load_jobs"


class OwnerDuckDbClient(DuckDbClient):  # type: ignore[misc]  # dlt ships its types unchecked
    """dlt's DuckDB client with marked jobs; its class attributes are set by `owner_destination`."""

    sql_client: OwnerSqlClient
    sql_client_class: ClassVar[type[OwnerSqlClient]]
    pipe: ClassVar[PipeConnection]
    marked_schemas: ClassVar[set[str]]
    loaded: ClassVar[dict[str, dict[str, int]]]
    """Rows by table of each load package that was completed."""

    def __init__(
        self, schema: Schema, config: DuckDbClientConfiguration, capabilities: DestinationCapabilitiesContext
    ) -> None:
        super().__init__(schema, config, capabilities)
        own = self.sql_client
        self.sql_client = self.sql_client_class(
            own.dataset_name, own.staging_dataset_name, config.credentials, capabilities
        )
        self._schema_name = self.sql_client.fully_qualified_dataset_name()
        self._marks = f'{self._schema_name}."{MARKS}"'

    def create_load_job(
        self,
        table: PreparedTableSchema,
        file_path: str,
        load_id: str,
        restore: bool = False,  # noqa: FBT001, FBT002  # dlt's signature
    ) -> LoadJob:
        """Give dlt's own job, made to run once."""
        job = super().create_load_job(table, file_path, load_id, restore)
        if isinstance(job, RunnableLoadJob):
            self._ensure_marks()
            job.run = self._once(job, load_id, ParsedLoadJobFileName.parse(file_path))
        return job

    def complete_load(self, load_id: str) -> None:
        """Note the package as loaded, once; its marks have served and give the numbers of rows."""
        self._ensure_marks()
        connection: OwnerConnection = self.sql_client.native_connection
        loads = self.sql_client.make_qualified_table_name(self.schema.loads_table_name)
        column = self.sql_client.escape_column_name(self.schema.naming.normalize_identifier("load_id"))
        with connection.whole():
            noted = connection.execute(f"SELECT 1 FROM {loads} WHERE {column} = ?", [load_id]).fetchone()  # noqa: S608  # names are dlt's
            if noted is None:
                super().complete_load(load_id)
            counts = connection.execute(
                f"SELECT table_name, sum(row_count) FROM {self._marks} WHERE load_id = ? GROUP BY ALL",  # noqa: S608
                [load_id],
            ).fetchall()
            connection.execute(f"DELETE FROM {self._marks} WHERE load_id = ?", [load_id])  # noqa: S608
        self.loaded[load_id] = {str(name): int(rows) for name, rows in counts}

    def _once(self, job: RunnableLoadJob, load_id: str, file: ParsedLoadJobFileName) -> Callable[[], None]:
        run: Callable[[], None] = job.run
        follows = file.file_format == "sql"
        # A follow-up (a merge out of the staging dataset) gets a new file when its creation is repeated.
        name = f"{file.table_name}.sql" if follows else file.job_id()

        def run_once() -> None:
            connection: OwnerConnection = job._job_client.sql_client.native_connection  # noqa: SLF001  # set by dlt
            with connection.whole():
                marked = connection.execute(
                    f"SELECT 1 FROM {self._marks} WHERE load_id = ? AND job = ?",  # noqa: S608
                    [load_id, name],
                ).fetchone()
                if marked is None:
                    run()
                    rows = 0 if follows else connection.inserted
                    connection.execute(
                        f"INSERT INTO {self._marks} VALUES (?, ?, ?, ?)",  # noqa: S608
                        [load_id, name, file.table_name, rows],
                    )

        return run_once

    def _ensure_marks(self) -> None:
        if self._schema_name in self.marked_schemas:
            return
        cursor = self.pipe.cursor()
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self._marks} "
            "(load_id VARCHAR, job VARCHAR, table_name VARCHAR, row_count BIGINT)"
        )
        cursor.close()
        self.marked_schemas.add(self._schema_name)


def owner_destination(pipe: PipeConnection, database: str, *, exact_dataset: bool) -> Destination:
    """Give a dlt destination that loads through the pipe; its `loaded` tells rows by package and table.

    With `exact_dataset` the schema's name is taken as it is, not normalised by dlt.
    """
    sql_client = type("PipedSqlClient", (OwnerSqlClient,), {"pipe": pipe})
    attributes = {"sql_client_class": sql_client, "pipe": pipe, "marked_schemas": set(), "loaded": {}}
    client = type("PipedDuckDbClient", (OwnerDuckDbClient,), attributes)

    class OwnerDestination(duckdb):  # type: ignore[misc]  # dlt ships its types unchecked
        """dlt's own destination in name, so that its state and configuration stay valid without us."""

        loaded = attributes["loaded"]
        destination_type = OUR_DESTINATION
        client_class = client

        def _raw_capabilities(self) -> DestinationCapabilitiesContext:
            capabilities = super()._raw_capabilities()
            capabilities.preferred_loader_file_format = "parquet"  # few statements, read by DuckDB in parallel
            return capabilities

    options = {"enable_dataset_name_normalization": False} if exact_dataset else {}
    return OwnerDestination(credentials=DuckDbCredentials(database), **options)
