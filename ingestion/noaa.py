"""Hourly weather at the three airports of New York City (National Oceanic and Atmospheric Administration)."""

from collections.abc import Iterator

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from nycflights_csv import UTC_TIMESTAMP, read_tables, schema

WEATHER = schema(
    key={"origin": pa.string(), "time_hour": UTC_TIMESTAMP},
    other={
        "year": pa.int16(),
        "month": pa.int16(),
        "day": pa.int16(),
        "hour": pa.int16(),
        "temp": pa.float64(),
        "dewp": pa.float64(),
        "humid": pa.float64(),
        "wind_dir": pa.int16(),
        "wind_speed": pa.float64(),
        "wind_gust": pa.float64(),
        "precip": pa.float64(),
        "pressure": pa.float64(),
        "visib": pa.float64(),
    },
)


@dlt.source
def noaa() -> DltResource:
    """The administration's hourly observations."""
    return weather


@dlt.resource(primary_key=("origin", "time_hour"), write_disposition="merge")
def weather() -> Iterator[pa.Table]:
    """One row per airport and hour; a load corrects the hours it brings again."""
    yield from read_tables("weather.csv", WEATHER)
