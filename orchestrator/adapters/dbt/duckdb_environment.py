"""Closes what dbt-duckdb keeps open from one dbt invocation to the next in a process."""

import sys
from contextlib import suppress


def close_environment() -> None:
    """Close dbt-duckdb's database, if one is open, and forget it.

    It is kept by the credentials as they are written: a second project whose profile names the same relative path
    would be built in the first one's file, and the file would stay locked for other processes.
    """
    module = sys.modules.get("dbt.adapters.duckdb.connections")
    if module is None:
        return
    connections = module.DuckDBConnectionManager
    with connections._LOCK:  # noqa: SLF001  # dbt-duckdb drops the environment without closing it
        environment, connections._ENV = connections._ENV, None  # noqa: SLF001  # as above
    if environment is not None:
        with suppress(Exception):  # a thread that was abandoned may still compute on it
            environment.close()
