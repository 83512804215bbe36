"""Chooses, by the adapter of dbt's target, how a run gets at the warehouse beside dbt."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orchestrator.adapters.child_access import ChildAccess
from orchestrator.adapters.dbt.session import Target
from orchestrator.adapters.duckdb.lock import Holder
from orchestrator.adapters.duckdb.warehouse import DatabaseFile, open_warehouse
from orchestrator.errors import WarehouseError
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, Content, StoredFunction


class Warehouse(Protocol):
    """What a run needs of the database, whatever it is; raises WarehouseError for what cannot be answered."""

    def relations(self) -> frozenset[tuple[str, str]]:
        """Every table and view as lower-case (schema, name)."""

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows; what it changes is committed."""

    def last_load_age(self, relation: Relation, now: datetime) -> float | None:
        """Give the age in seconds of the last completed dlt load whose rows stand in the table, or None."""

    def contents(
        self,
        relations: Collection[Relation],
        budget: Budget,
        *,
        definitions_only: bool = False,
        rows_of_views: Collection[Relation] = (),
    ) -> Mapping[Relation, Content]:
        """Return what each relation that exists holds now, as far as the budget allows.

        The rows of views and of foreign tables are read only where `rows_of_views` names them; with
        `definitions_only` nothing is read but the catalog.
        """

    def stored_functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions and macros that users or extensions created, by lower-case name."""

    def result_settings(self) -> Mapping[str, str]:
        """Return the settings of a session of dbt's that can change the results of its statements."""

    def attached(self) -> Mapping[str, str]:
        """Return the attached databases by name, each as its type and path."""

    def access(self) -> ChildAccess:
        """Let child processes at it."""

    def close(self) -> None:
        """Let go of it."""


def is_shared(target: Target) -> bool:
    """Say whether loads and validations can work in the target beside dbt."""
    return target.is_file or target.adapter == "postgres"


def is_there(target: Target) -> bool:
    """Say whether there is anything to look at: a file that was never written holds nothing."""
    return target.adapter == "postgres" or (target.path is not None and Path(target.path).exists())


def open_shared(
    target: Target,
    credentials: Callable[[], Mapping[str, Any]],
    *,
    lock_timeout: float,
    on_wait: Callable[[Holder], None],
) -> Warehouse:
    """Open the database beside dbt; raises WarehouseError when it cannot be opened, or not shared."""
    if target.adapter == "postgres":
        return _open_server(target, credentials())
    if not target.is_file or target.path is None:
        raise _not_shared(target)
    file = DatabaseFile(
        path=Path(target.path), config=target.config, settings=lambda: credentials().get("settings") or {}
    )
    return open_warehouse(file, lock_timeout=lock_timeout, on_wait=on_wait)


def open_empty(target: Target, credentials: Callable[[], Mapping[str, Any]]) -> Warehouse:
    """Open a database in memory with the configuration of a DuckDB target whose file does not exist yet."""
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


_DBT_ALONE = "run dbt's part alone with: --no-ingest --exclude 'expectation:*'"


def _not_shared(target: Target) -> WarehouseError:
    if target.adapter == "duckdb":
        return WarehouseError(
            f"The target {target.name} has no database file (its path is {target.path}), but the plan loads or"
            " validates: that needs one.",
            hint=f"Set `path` of the target in profiles.yml to a file, or {_DBT_ALONE}",
        )
    return WarehouseError(
        f"The target {target.name} is of the adapter {target.adapter}, but the plan loads or validates: that needs a"
        " DuckDB file or a PostgreSQL database.",
        hint=f"Choose a target of DuckDB or PostgreSQL with --target, or {_DBT_ALONE}",
    )
