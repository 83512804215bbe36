"""A dbt adapter that elt has never heard of: dbt-duckdb under another name, on the path of a test."""

from dataclasses import dataclass
from pathlib import Path

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.impl import DuckDBAdapter


class QuackConnectionManager(DuckDBConnectionManager):
    TYPE = "quack"


@dataclass
class QuackCredentials(DuckDBCredentials):
    @property
    def type(self) -> str:
        return "quack"


class QuackAdapter(DuckDBAdapter):
    ConnectionManager = QuackConnectionManager


Plugin = AdapterPlugin(
    adapter=QuackAdapter,
    credentials=QuackCredentials,
    include_path=str(Path(__file__).parents[2] / "include" / "quack"),
    dependencies=["duckdb"],
)
