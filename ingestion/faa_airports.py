"""Airports of the United States (Federal Aviation Administration)."""

from collections.abc import Iterator

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from nycflights_csv import read_tables, schema

AIRPORTS = schema(
    key={"faa": pa.string()},
    other={
        "name": pa.string(),
        "lat": pa.float64(),
        "lon": pa.float64(),
        "alt": pa.int32(),
        "tz": pa.int16(),
        "dst": pa.string(),
        "tzone": pa.string(),
    },
)


@dlt.source
def faa_airports() -> DltResource:
    """The administration's list of airports."""
    return airports


@dlt.resource(primary_key="faa", write_disposition="replace")
def airports() -> Iterator[pa.Table]:
    """One row per airport; a load replaces the list, so closed airports leave it."""
    yield from read_tables("airports.csv", AIRPORTS)
