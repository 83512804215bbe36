"""Chooses the access to the warehouse alongside dbt, by the adapter of dbt's target."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orchestrator.adapters.child_access import ChildAccess
from orchestrator.adapters.dbt.session import Target
from orchestrator.adapters.duckdb.lock import Holder
from orchestrator.adapters.duckdb.warehouse import DatabaseFile, open_warehouse
from orchestrator.errors import UnsupportedWarehouseError
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, Content, StoredFunction


class Warehouse(Protocol):
    """What a run needs from any database; methods raise WarehouseError if the database cannot answer."""

    def relations(self) -> frozenset[tuple[str, str]]:
        """Return every table and view as lower-case (schema, name)."""

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement, commit its changes, and return its rows."""

    def last_load_age(self, relation: Relation, now: datetime) -> float | None:
        """Return the age in seconds of the last completed dlt load with rows in the table, or None."""

    def contents(
        self,
        relations: Collection[Relation],
        budget: Budget,
        *,
        definitions_only: bool = False,
        rows_of_views: Collection[Relation] = (),
    ) -> Mapping[Relation, Content]:
        """Return what each existing relation holds now, as far as the budget allows.

        The rows of views and of foreign tables are read only if `rows_of_views` names them. With `definitions_only`,
        only the catalog is read.
        """

    def stored_functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions and macros that users or extensions created, by lower-case name."""

    def result_settings(self) -> Mapping[str, str]:
        """Return the settings of a dbt session that can change the results of its statements."""

    def attached(self) -> Mapping[str, str]:
        """Return the attached databases by name, each with its type and path."""

    def access(self) -> ChildAccess:
        """Return the access to the database for child processes."""

    def close(self) -> None:
        """Close the connection to the database."""


def is_shared(target: Target) -> bool:
    """Return whether loads and validations can work in the target alongside dbt."""
    return target.is_file or target.adapter == "postgres"


def is_there(target: Target) -> bool:
    """Return whether the database exists; a database file that was never written does not."""
    return target.adapter == "postgres" or (target.path is not None and Path(target.path).exists())


def open_shared(
    target: Target,
    credentials: Callable[[], Mapping[str, Any]],
    *,
    lock_timeout: float,
    on_wait: Callable[[Holder], None],
) -> Warehouse:
    """Open the database alongside dbt; raises WarehouseError if it cannot be opened or shared."""
    if target.adapter == "postgres":
        return _open_server(target, credentials())
    if not target.is_file or target.path is None:
        raise _not_shared(target)
    file = DatabaseFile(
        path=Path(target.path), config=target.config, settings=lambda: credentials().get("settings") or {}
    )
    return open_warehouse(file, lock_timeout=lock_timeout, on_wait=on_wait)


def open_empty(target: Target, credentials: Callable[[], Mapping[str, Any]]) -> Warehouse:
    """Open an in-memory database with the configuration of a DuckDB target whose file does not exist yet."""
    file = DatabaseFile(
        path=Path(":memory:"), config=target.config, settings=lambda: credentials().get("settings") or {}
    )
    return open_warehouse(file, lock_timeout=0, on_wait=lambda _holder: None)


def _open_server(target: Target, credentials: Mapping[str, Any]) -> Warehouse:
    from orchestrator.adapters.postgres.login import Login
    from orchestrator.adapters.postgres.server import PostgresServer

    named = f"target {target.name} of the profile {target.profile}"
    server = PostgresServer(Login.of(credentials), target=named)
    server.require_open()
    return server


_DBT_ALONE = "run only dbt's part: --no-ingest --exclude 'expectation:*'"


def _not_shared(target: Target) -> UnsupportedWarehouseError:
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
