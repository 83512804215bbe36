"""Makes load jobs take effect exactly once, however often they are attempted, on any database.

dlt loads at least once: if it is killed between a copy and its own record of it on disk, it copies again. Here, each
job runs in one transaction with a row that marks it as done, and a marked job does not run again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob, RunnableLoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.storages.load_package import ParsedLoadJobFileName

from orchestrator.adapters.dlt.dlt_bridge import client_of, run_as
from orchestrator.adapters.dlt.load_record import LoadRecord

MARKS = "_elt_load_jobs"


class WholeSqlClient(Protocol):
    """What marked jobs need from a dlt SQL client, in addition to dlt's own methods."""

    dataset_name: str

    @property
    def inserted(self) -> int:
        """Return the number of rows inserted since the last `whole` began."""

    def whole(self) -> AbstractContextManager[None]:
        """Run everything inside in one transaction, even if dlt begins and commits transactions in between."""

    def execute_sql(self, sql: str, *args: object) -> Any:  # noqa: ANN401, D102  # dlt's own
        ...

    def fully_qualified_dataset_name(self) -> str: ...  # noqa: D102  # dlt's own
    def make_qualified_table_name(self, table_name: str) -> str: ...  # noqa: D102  # dlt's own
    def escape_column_name(self, column_name: str) -> str: ...  # noqa: D102  # dlt's own


class MarkedJobs:
    """A mixin, to be listed before a dlt client, that marks its jobs in a table of the dataset."""

    schema: Schema
    sql_client: WholeSqlClient
    sql_client_class: ClassVar[Callable[..., WholeSqlClient]]
    marks: str
    """The qualified name of the table of marks."""
    record: ClassVar[LoadRecord]
    loaded: ClassVar[dict[str, dict[str, int]]]
    """The row counts of each completed load package, by table."""

    def __init__(self, schema: Schema, config: Any, capabilities: DestinationCapabilitiesContext) -> None:  # noqa: ANN401  # of the database's own type
        super().__init__(schema, config, capabilities)  # type: ignore[call-arg]  # defined by dlt's client
        own: Any = self.sql_client
        self.sql_client = self.sql_client_class(
            own.dataset_name, own.staging_dataset_name, config.credentials, capabilities
        )
        self.marks = f'{self.sql_client.fully_qualified_dataset_name()}."{MARKS}"'

    def ensure_marks(self) -> None:
        """Create the table of marks if it does not exist."""
        raise NotImplementedError

    def claim(self, load_id: str, job: str, table: str) -> bool:
        """Return, inside the job's transaction, whether the job still has to run."""
        raise NotImplementedError

    def note(self, load_id: str, job: str, table: str, rows: int) -> None:
        """Mark the job as done, inside its transaction."""
        raise NotImplementedError

    def run_of(self, job: RunnableLoadJob) -> Callable[[], None]:
        """Return the function that runs dlt's own job."""
        run: Callable[[], None] = job.run
        return run

    def create_load_job(
        self,
        table: PreparedTableSchema,
        file_path: str,
        load_id: str,
        restore: bool = False,  # noqa: FBT001, FBT002  # dlt's signature
    ) -> LoadJob:
        """Return dlt's own job, changed to take effect only once."""
        job = super().create_load_job(table, file_path, load_id, restore)  # type: ignore[misc]  # defined by dlt's client
        if isinstance(job, RunnableLoadJob):
            self.ensure_marks()
            run_as(job, self._once(job, load_id, ParsedLoadJobFileName.parse(file_path)))
        return job

    def complete_load(self, load_id: str) -> None:
        """Record the package as loaded, once; read the row counts from its marks, and delete the marks."""
        self.ensure_marks()
        client = self.sql_client
        loads = client.make_qualified_table_name(self.schema.loads_table_name)
        column = client.escape_column_name(self.schema.naming.normalize_identifier("load_id"))
        with client.whole():
            if not client.execute_sql(f"SELECT 1 FROM {loads} WHERE {column} = %s", load_id):  # noqa: S608  # dlt's names
                super().complete_load(load_id)  # type: ignore[misc]  # as above
            counts = client.execute_sql(
                f"SELECT table_name, sum(row_count) FROM {self.marks} WHERE load_id = %s GROUP BY table_name",  # noqa: S608
                load_id,
            )
            client.execute_sql(f"DELETE FROM {self.marks} WHERE load_id = %s", load_id)  # noqa: S608
            rows = {str(name): int(count) for name, count in counts}
            self.record.write(client, load_id, rows)
        # If an earlier process completed the package, its marks are gone, but the record has the row counts.
        self.loaded[load_id] = rows or self.record.of_package(client, load_id)

    def _once(self, job: RunnableLoadJob, load_id: str, file: ParsedLoadJobFileName) -> Callable[[], None]:
        run = self.run_of(job)
        follows = file.file_format == "sql"
        # A follow-up job (a merge from the staging dataset) gets a new file name each time it is created.
        name = f"{file.table_name}.sql" if follows else file.job_id()

        def run_once() -> None:
            client: MarkedJobs = client_of(job)
            # The rows and the mark are committed together, so a killed job leaves both or none.
            with client.sql_client.whole():
                if client.claim(load_id, name, file.table_name):
                    run()
                    client.note(load_id, name, file.table_name, 0 if follows else client.sql_client.inserted)

        return run_once
