"""Closes the database that dbt-duckdb keeps open between dbt invocations in one process."""

import sys
from contextlib import suppress


def close_environment() -> None:
    """Close dbt-duckdb's database, if one is open, and forget it.

    dbt-duckdb looks the open database up by the credentials as written. A second project whose profile names the same
    relative path would be built in the first project's file, and that file would stay locked for other processes.
    """
    module = sys.modules.get("dbt.adapters.duckdb.connections")
    if module is None:
        return
    connections = module.DuckDBConnectionManager
    with connections._LOCK:  # noqa: SLF001  # dbt-duckdb drops the environment without closing it
        environment, connections._ENV = connections._ENV, None  # noqa: SLF001  # as above
    if environment is not None:
        with suppress(Exception):  # an abandoned thread may still run a query on it
            environment.close()
