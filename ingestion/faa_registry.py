"""Aircraft and their build (registry of the Federal Aviation Administration)."""

from collections.abc import Iterator

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from nycflights_csv import read_tables, schema

PLANES = schema(
    key={"tailnum": pa.string()},
    other={
        "year": pa.int16(),
        "type": pa.string(),
        "manufacturer": pa.string(),
        "model": pa.string(),
        "engines": pa.int16(),
        "seats": pa.int16(),
        "speed": pa.int16(),
        "engine": pa.string(),
    },
)


@dlt.source
def faa_registry() -> DltResource:
    """The administration's registry of aircraft."""
    return planes


@dlt.resource(primary_key="tailnum", write_disposition="merge")
def planes() -> Iterator[pa.Table]:
    """One row per tail number; a load updates those it names and keeps those that left the registry."""
    yield from read_tables("planes.csv", PLANES)
