"""Prevents dlt from writing the traces of its runs to disk."""

from importlib import import_module
from pathlib import Path
from typing import Any


def keep_no_traces() -> None:
    """Replace dlt's function that saves traces: the file would contain resolved credentials and exception texts."""
    from dlt.pipeline.trace import TRACE_FILE_NAME

    writes = import_module("dlt.pipeline.pipeline")  # in the package, that name is a function

    def save_trace(folder: str, _trace: Any) -> None:  # noqa: ANN401  # dlt's own
        (Path(folder) / TRACE_FILE_NAME).unlink(missing_ok=True)  # an earlier elt left one

    vars(writes)["save_trace"] = save_trace
