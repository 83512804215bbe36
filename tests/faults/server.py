"""Forks a process for each small run: whatever takes long to import is imported once, and nothing is open yet.

Reads an order a line (JSON) and answers each with a line: how the process ended.
"""

import gc
import json
import os
import sys
import traceback
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.afflictions import afflict
from tests.faults.drawing import draw_plan
from tests.faults.small import begin, go_on, open_store

TOOLS = ("dbt", "dlt", "great_expectations", "pandas", "pyarrow")


def main() -> None:
    """Answer until nobody asks any more."""
    loaded = sorted(name for name in TOOLS if name in sys.modules)
    assert not loaded, f"a small run must not import {loaded}"
    with TemporaryDirectory() as folder, closing(open_store(Path(folder))) as store:
        store.prune(keep=0)  # whatever is made at a first use is there before a run is forked
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(obey(order))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


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
    os._exit(0)  # DuckDB was never used here, and complains when it is taken down
