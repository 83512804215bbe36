"""Lists every internal attribute of dlt that elt uses, and is the only module that uses private names of dlt.

Functions of dlt, and of `os` for its sake, are replaced only here, too. dlt is imported inside the functions: the
table is read before dlt is.
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from orchestrator.adapters.probe import listed

NEEDED = listed(
    {
        "to read what an ingestion module defines": (
            "dlt.common.pipeline:get_dlt_pipelines_dir",
            "dlt.extract:DltResource DltSource",
            "dlt.extract.decorators:DltSourceFactoryWrapper",
            "dlt.extract.pipe:Pipe.is_data_bound",
            "dlt.extract.resource:DltResource._pipe",
        ),
        "to refuse a module that loads while it is imported": (
            "dlt.pipeline.pipeline:Pipeline.extract load normalize run",
        ),
        "to find the settings beside a module": (
            "dlt.common.configuration.container:Container",
            "dlt.common.configuration.providers:EnvironProvider",
            "dlt.common.configuration.providers.provider:ConfigProvider",
            "dlt.common.configuration.providers.toml:CONFIG_TOML SECRETS_TOML SettingsTomlProvider",
            "dlt.common.configuration.providers.toml:TomlProviderReadException.full_paths",
            "dlt.common.configuration.specs.pluggable_run_context:PluggableRunContext.reload",
            "dlt.common.runtime.run_context:DOT_DLT",
            "dlt.common.runtime.run_context:RunContext.initial_providers",
        ),
        "to keep secrets out of the traces of a load": (
            "dlt.pipeline.pipeline:save_trace",
            "dlt.pipeline.trace:TRACE_FILE_NAME",
        ),
        "to keep secrets out of the logs of a load": (
            "dlt.common.configuration.utils:ResolvedValueTrace",
            "dlt.common.configuration.utils:TraceLogContext.log",
        ),
        "to continue an interrupted load": (
            "dlt.common.destination.exceptions:DestinationUndefinedEntity",
            "dlt.common.storages:LoadStorage.LOADED_FOLDER get_loaded_package_path",
            "dlt.common.storages:LoadStorage.get_normalized_package_path normalized_packages",
            "dlt.common.storages.normalize_storage:NormalizeStorage.extracted_packages",
            "dlt.common.storages.load_package:PackageStorage.delete_package get_load_package_state",
            "dlt.common.storages.load_package:PackageStorage.is_package_completed",
            "dlt.pipeline.pipeline:Pipeline._get_load_storage _get_normalize_storage",
            "dlt.pipeline.state_sync:load_pipeline_state_from_destination",
        ),
        "to load each row once": (
            "dlt.common.destination:Destination DestinationCapabilitiesContext",
            "dlt.common.destination.client:JobClientBase.complete_load create_load_job",
            "dlt.common.destination.client:LoadJob",
            "dlt.common.destination.client:RunnableLoadJob._job_client run",
            "dlt.common.destination.typing:PreparedTableSchema",
            "dlt.common.schema:Schema",
            "dlt.common.storages.load_package:ParsedLoadJobFileName",
        ),
        "to choose what a refresh drops": ("dlt.common.pipeline:TRefreshMode",),
        "to explain why a load failed": (
            "dlt.common.configuration:is_secret_hint",
            "dlt.common.configuration.exceptions:ConfigFieldMissingException.traces",
            "dlt.common.configuration.exceptions:FieldLookupTraces LookupTrace",
            "dlt.common.configuration.utils:get_resolved_traces",
            "dlt.common.exceptions:MissingDependencyException TerminalException TransientException",
            "dlt.destinations.exceptions:DatabaseException.dbapi_exception",
            "dlt.destinations.exceptions:DestinationConnectionError",
            "dlt.extract.exceptions:PipeException ResourceExtractionError",
            "dlt.load.exceptions:LoadClientJobException",
            "dlt.load.exceptions:LoadClientJobFailed.client_exception",
            "dlt.pipeline.exceptions:PipelineStepFailed.exception",
        ),
        "to find damaged files of dlt": (
            "dlt.common:json",
            "dlt.common.versioned_state:decompress_state json_decode_state",
            "dlt.pipeline.pipeline:Pipeline.STATE_FILE",
            "dlt.pipeline.state_sync:migrate_state_to_current",
        ),
    }
)

NEEDED_ON = {
    "duckdb": listed(
        {
            "to load through the process that owns the DuckDB file": (
                "dlt.common.destination.client:RunnableLoadJob._file_path",
                "dlt.destinations.impl.duckdb.configuration:DuckDbCredentials",
                "dlt.destinations.impl.duckdb.duck:DuckDbClient DuckDbCopyJob",
                "dlt.destinations.impl.duckdb.factory:duckdb",
                "dlt.destinations.impl.duckdb.sql_client:DuckDbSqlClient._conn",
            ),
        }
    ),
    "postgres": listed(
        {
            "to load with the login of dbt's target": (
                "dlt.destinations.impl.postgres.configuration:PostgresCredentials",
                "dlt.destinations.impl.postgres.factory:postgres",
                "dlt.destinations.impl.postgres.postgres:PostgresClient",
                "dlt.destinations.impl.postgres.sql_client:Psycopg2SqlClient._conn",
            ),
        }
    ),
}
"""What a load into each kind of database needs besides."""


class OwnConnection:
    """A mixin, to be listed before one of dlt's SQL clients, whose connection elt opens.

    dlt's own methods read the connection from `_conn`.
    """

    _conn: Any

    @property
    def own_connection(self) -> Any:  # noqa: ANN401  # what the database's client opened
        """The open connection, or None."""
        return self._conn

    @own_connection.setter
    def own_connection(self, connection: object) -> None:
        self._conn = connection


def is_data_bound(resource: Any) -> bool:  # noqa: ANN401  # dlt's DltResource
    """Return whether a resource has data to load; a transformer has none until it is bound to a resource."""
    return bool(resource._pipe.is_data_bound)


def load_storage(pipeline: Any) -> Any:  # noqa: ANN401  # dlt's Pipeline and LoadStorage
    """Return the folder of a pipeline's packages that wait to be loaded, or are loaded."""
    return pipeline._get_load_storage()


def extracted_packages(pipeline: Any) -> Any:  # noqa: ANN401  # dlt's Pipeline and PackageStorage
    """Return the folder of a pipeline's packages that wait to be normalized."""
    return pipeline._get_normalize_storage().extracted_packages


def client_of(job: Any) -> Any:  # noqa: ANN401  # dlt's load job and client
    """Return the client that runs a job; dlt sets it for the thread that runs the job."""
    return job._job_client


@contextmanager
def file_path_as(job: Any, change: Callable[[str], str]) -> Iterator[None]:  # noqa: ANN401  # dlt's load job
    """Change the path of a job's file inside the block; dlt puts the path into its SQL."""
    path = job._file_path
    job._file_path = change(path)
    try:
        yield
    finally:
        job._file_path = path


def run_as(job: Any, run: Callable[[], None]) -> None:  # noqa: ANN401  # dlt's load job
    """Replace what dlt runs for a job."""
    job.run = run


@contextmanager
def methods_as(holder: type, names: Collection[str], function: Callable[..., object]) -> Iterator[None]:
    """Replace methods of a class of dlt inside the block."""
    kept = {name: getattr(holder, name) for name in names}
    for name in names:
        setattr(holder, name, function)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(holder, name, method)


def hear_resolved(hear: Callable[[Any], None]) -> None:
    """Call a function with each value that dlt's configuration resolves, before dlt hands it out."""
    from dlt.common.configuration.utils import ResolvedValueTrace, TraceLogContext

    keep = TraceLogContext.log

    def log(context: Any, trace: ResolvedValueTrace) -> None:  # noqa: ANN401  # dlt's own
        hear(trace)
        keep(context, trace)

    TraceLogContext.log = log


def hear_environment(hear: Callable[[str, str], None]) -> None:
    """Call a function with each variable that is set in this process, as `load_dotenv` does."""
    put = os.putenv

    def putenv(name: bytes, value: bytes) -> None:
        hear(os.fsdecode(name), os.fsdecode(value))
        put(name, value)

    vars(os)["putenv"] = putenv  # `os.environ` calls it for each change


def keep_no_traces() -> None:
    """Prevent dlt from writing the traces of its runs: they contain resolved credentials and exception texts."""
    from dlt.pipeline.trace import TRACE_FILE_NAME

    def save_trace(folder: str, _trace: Any) -> None:  # noqa: ANN401  # dlt's own
        (Path(folder) / TRACE_FILE_NAME).unlink(missing_ok=True)  # an earlier elt left one

    # The module, which an import statement does not find: in its package the name is that of a function.
    vars(import_module("dlt.pipeline.pipeline"))["save_trace"] = save_trace
