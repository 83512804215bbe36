"""Runs the dlt sources of the reference project in turn, as a script without an orchestrator does.

Takes the database and dlt's working folder; runs in the folder of the ingestion modules.
"""

import sys
from importlib import import_module
from pathlib import Path

import dlt

SCHEMAS = {"bts": "raw_bts", "faa_airports": "raw_airports", "faa_registry": "raw_registry", "noaa": "raw_weather"}


def main(database: str, pipelines_dir: str) -> None:
    """Load each dlt source into the schema that the dbt project reads."""
    sys.path.insert(0, str(Path.cwd()))
    for name, schema in SCHEMAS.items():
        source = getattr(import_module(name), name)()
        destination = dlt.destinations.duckdb(database)
        dlt.pipeline(name, destination=destination, dataset_name=schema, pipelines_dir=pipelines_dir).run(source)


if __name__ == "__main__":
    main(*sys.argv[1:])
