"""The process of which small runs are forked."""

import json
import sys
import traceback
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from tests.faults.afflictions import afflict
from tests.faults.drawing import draw_plan
from tests.faults.forking import serve
from tests.faults.small import begin, go_on, open_store

TOOLS = ("dbt", "dlt", "great_expectations", *(() if duckdb.__version__.startswith("1.") else ("pandas", "pyarrow")))
"""What a small run does not need. DuckDB 1 imports pandas and PyArrow by itself, if they are installed."""


def main() -> None:
    """Make small runs until nobody asks for any more."""
    with TemporaryDirectory() as folder, closing(open_store(Path(folder))) as store:
        store.prune(keep=0, now=datetime.now(UTC))  # whatever is made at a first use is there before a run is forked
    serve(obey)


def obey(order: dict) -> int:
    """Do one small run and leave what became of it in its folder; gives the exit code."""
    folder = Path(order["folder"])
    try:
        said = {**done(folder, order), "loaded": sorted(name for name in TOOLS if name in sys.modules)}
    except Exception as error:  # noqa: BLE001  # told to the test
        said = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    (folder / "said.json").write_text(json.dumps(said))
    return 2 if "error" in said else 0


def done(folder: Path, order: dict) -> dict[str, object]:
    """Do one small run, and say how its steps ended and which points it passed."""
    with afflict(folder, order.get("fault")) as (passings, clock):
        options = {"clock": clock, **order.get("options", {})}
        if order["verb"] == "begin":
            outcomes = begin(folder, draw_plan(order["seed"]), **options)
        else:
            outcomes = go_on(folder, **options)
    return {"statuses": None if outcomes is None else [outcome.status for outcome in outcomes], "passings": passings}


if __name__ == "__main__":
    main()
