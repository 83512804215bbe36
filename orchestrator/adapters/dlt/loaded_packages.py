"""Removes the packages that dlt keeps after loading them: their rows are in the warehouse."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from dlt.common.storages import LoadStorage
from dlt.pipeline.pipeline import Pipeline

LOAD_FOLDER = "load"
"""The subfolder of a pipeline's working folder for packages that wait to be loaded or are loaded."""
UNUSED_SECONDS = 3600.0
"""Another process may still read the figures of a package that it has just loaded, but not after an hour."""


def remove_loaded(pipeline: Pipeline) -> None:
    """Remove the packages that one of elt's pipelines has loaded, and old ones of its neighbours.

    Recovery from a killed load does not read them: packages that wait to be loaded are in other folders, and the target
    records what was loaded. Neighbours are other pipelines, datasets and databases, and some of them are no longer in
    use. A package that cannot be removed is left for the next load.
    """
    for package in _loaded(Path(pipeline.working_dir)):
        shutil.rmtree(package, ignore_errors=True)
    unused_since = time.time() - UNUSED_SECONDS
    for folder in Path(pipeline.pipelines_dir).parent.glob("*/*/"):
        for package in _loaded(folder):
            if _changed_at(package) < unused_since:
                shutil.rmtree(package, ignore_errors=True)


def _loaded(working_dir: Path) -> Iterator[Path]:
    yield from (working_dir / LOAD_FOLDER / LoadStorage.LOADED_FOLDER).glob("*/")


def _changed_at(package: Path) -> float:
    try:
        return package.stat().st_mtime
    except OSError:  # another process has removed it
        return time.time()
