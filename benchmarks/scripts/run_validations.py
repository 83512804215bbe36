"""Validates the suites of the reference project with great-expectations as its guide does it, over data frames.

GX has no DuckDB data source, so a script reads each table whole. Takes the database and the folder of the suites;
prints what came of each suite as JSON.
"""

import json
import sys
from pathlib import Path

import duckdb
import great_expectations as gx

RELATIONS = {"bts.flights": "raw_bts.flights"}
MARTS = "analytics"


def main(database: str, folder: str) -> None:
    """Validate every suite and say which held."""
    session = gx.get_context(mode="ephemeral")
    source = session.data_sources.add_pandas("warehouse")
    held = {}
    with duckdb.connect(database, read_only=True) as connection:
        for path in sorted(Path(folder).glob("*.json")):
            suite = gx.ExpectationSuite(**json.loads(path.read_text()))
            rows = connection.execute(f"from {RELATIONS.get(suite.name, f'{MARTS}.{suite.name}')}").df()
            asset = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("all")
            answer = asset.get_batch(batch_parameters={"dataframe": rows}).validate(suite)
            held[suite.name] = [bool(one.success) for one in answer.results]
    print(json.dumps(held))


if __name__ == "__main__":
    main(*sys.argv[1:])
