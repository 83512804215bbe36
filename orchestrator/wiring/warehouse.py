"""Chooses the access to the warehouse alongside dbt, by the adapter of dbt's target."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from orchestrator.adapters.children.child_access import ChildAccess
from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, open_warehouse
from orchestrator.adapters.duckdb.lock import Holder
from orchestrator.adapters.duckdb.storage_format import require_known
from orchestrator.config.settings import Settings, StorageVersion
from orchestrator.errors import UnsupportedWarehouseError, WarehouseError
from orchestrator.nodes.target import Target
from orchestrator.reuse.open_target import Warehouse

_IN_MEMORY = ":memory:"


class ChildWarehouse(Warehouse, Protocol):
    """A warehouse in which child processes can work too."""

    def access(self) -> ChildAccess:
        """Return the access to the database for child processes."""


def known_storage(settings: Settings) -> StorageVersion | None:
    """Return the storage format of new DuckDB files; raises ConfigurationError if DuckDB does not know it."""
    require_known(settings.storage_version)
    return settings.storage_version


def open_shared(
    target: Target,
    credentials: Callable[[], Mapping[str, Any]],
    *,
    storage: StorageVersion | None,
    lock_timeout: float,
    on_wait: Callable[[Holder], None],
) -> ChildWarehouse:
    """Open the database alongside dbt; raises WarehouseError if it cannot be opened or shared."""
    if target.is_for_dbt_alone:
        raise _not_shared(target)
    if target.adapter == "postgres":
        return _open_server(target, credentials())
    if not target.is_file or target.path is None:
        raise _not_shared(target)
    file = DatabaseFile(
        # dbt's exact configuration: DuckDB refuses to open a file twice in one process with different ones.
        path=Path(target.path),
        config=target.config,
        settings=lambda: credentials().get("settings") or {},
        storage=storage,
    )
    return open_warehouse(file, lock_timeout=lock_timeout, on_wait=on_wait)


def open_empty(target: Target, credentials: Callable[[], Mapping[str, Any]]) -> ChildWarehouse:
    """Open an in-memory database with the configuration of a DuckDB target whose file does not exist yet.

    Raises:
        WarehouseError: DuckDB refuses the configuration; the message names the file of the target.
    """
    file = DatabaseFile(
        path=Path(_IN_MEMORY), config=target.config, settings=lambda: credentials().get("settings") or {}
    )
    try:
        return open_warehouse(file, lock_timeout=0, on_wait=lambda _holder: None)
    except WarehouseError as error:
        raise WarehouseError(error.message.replace(_IN_MEMORY, str(target.path)), hint=error.hint) from error


def _open_server(target: Target, credentials: Mapping[str, Any]) -> ChildWarehouse:
    # Imported here: a project on DuckDB need not have the driver of PostgreSQL.
    from orchestrator.adapters.postgres.login import Login
    from orchestrator.adapters.postgres.server import PostgresServer

    named = f"target {target.name} of the profile {target.profile}"
    server = PostgresServer(Login.of(credentials), target=named)
    server.require_open()  # now, so that a wrong password is reported before the run
    return server


_DBT_ALONE = "run only dbt's part: --no-ingest --exclude 'expectation:*'"


def _not_shared(target: Target) -> UnsupportedWarehouseError:
    if target.is_for_dbt_alone:
        return UnsupportedWarehouseError(
            f"Only dbt 2.x opens the database of the target {target.name}, but the plan loads or validates: that needs"
            " a database that elt opens too.",
            hint=f"Remove `dbt.command` from elt.yml to use dbt 1.x, or {_DBT_ALONE}",
        )
    if target.adapter == "duckdb":
        return UnsupportedWarehouseError(
            f"The target {target.name} has no database file (its path is {target.path}), but the plan loads or"
            " validates: that needs one.",
            hint=f"Set `path` of the target in profiles.yml to a file, or {_DBT_ALONE}",
        )
    return UnsupportedWarehouseError(
        f"The target {target.name} uses the adapter {target.adapter}, but the plan loads or validates: that needs a"
        " DuckDB file or a PostgreSQL database.",
        hint=f"Choose a target of DuckDB or PostgreSQL with --target, or {_DBT_ALONE}",
    )
