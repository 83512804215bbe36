"""Flights out of New York City in 2013 and their airlines (Bureau of Transportation Statistics)."""

from collections.abc import Iterator
from datetime import datetime

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from nycflights_csv import UTC_TIMESTAMP, read_tables, schema

FLIGHTS = schema(
    key={"time_hour": UTC_TIMESTAMP, "origin": pa.string(), "carrier": pa.string(), "flight": pa.int32()},
    other={
        "dest": pa.string(),
        "tailnum": pa.string(),
        "year": pa.int16(),
        "month": pa.int16(),
        "day": pa.int16(),
        "hour": pa.int16(),
        "minute": pa.int16(),
        "sched_dep_time": pa.int16(),
        "dep_time": pa.int16(),
        "dep_delay": pa.int16(),
        "sched_arr_time": pa.int16(),
        "arr_time": pa.int16(),
        "arr_delay": pa.int16(),
        "air_time": pa.int16(),
        "distance": pa.int16(),
    },
)
AIRLINES = schema(key={"carrier": pa.string()}, other={"name": pa.string()})

# An hour is published whole, so a later load asks only for hours after the last one it has seen.
NEW_HOURS: "dlt.sources.incremental[datetime]" = dlt.sources.incremental("time_hour", range_start="open")


@dlt.source
def bts() -> tuple[DltResource, DltResource]:
    """The bureau's flights and airlines."""
    return flights, airlines


# Merged on the key, so that a load which is repeated (dlt loads at least once) leaves no row twice.
@dlt.resource(primary_key=("time_hour", "origin", "carrier", "flight"), write_disposition="merge")
def flights(
    time_hour: "dlt.sources.incremental[datetime]" = NEW_HOURS,  # noqa: ARG001 (dlt applies it to each table)
) -> Iterator[pa.Table]:
    """One row per scheduled departure; dlt drops the hours that were loaded before."""
    yield from read_tables("flights.csv", FLIGHTS)


@dlt.resource(primary_key="carrier", write_disposition="replace")
def airlines() -> Iterator[pa.Table]:
    """One row per carrier code."""
    yield from read_tables("airlines.csv", AIRLINES)
