"""The command `python -m benchmarks`: measures, prints the tables, and fails when the contenders differ."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks import tables
from benchmarks.measure import BenchmarkFailed
from benchmarks.reference import measure_reference
from benchmarks.synthetic import measure_size, runs_for

REFERENCE_RUNS = 3


@click.command("benchmarks")
@click.option("--only", type=click.Choice(["synthetic", "reference"]), help="One of the two instead of both.")
@click.option("--sizes", default="10,100,500", show_default=True, help="Numbers of models of the synthetic project.")
@click.option("--runs", type=click.IntRange(min=1), help="Counted runs; by default 5, and 3 where a run takes long.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file, too.")
def main(only: str | None, sizes: str, runs: int | None, json_file: Path | None) -> None:
    """Measure `elt run` beside what it replaces, on this machine."""
    say(tables.machine_text())
    if os.getloadavg()[0] > 0.5:
        say(f"The machine is not calm (load {os.getloadavg()[0]:.1f}): only the ratios mean something.")
    values: dict[str, Any] = {"machine": tables.machine()}
    try:
        with TemporaryDirectory(prefix="elt-bench-") as folder:
            if only != "reference":
                values["synthetic"] = synthetic([int(size) for size in sizes.split(",")], runs, Path(folder))
            if only != "synthetic":
                values["reference"] = reference(runs, Path(folder))
    except BenchmarkFailed as failure:
        click.echo(f"The benchmark failed, its figures mean nothing: {failure}", err=True)
        sys.exit(1)
    if json_file is not None:
        json_file.write_text(json.dumps(values, indent=2) + "\n")


def synthetic(sizes: list[int], runs: int | None, folder: Path) -> list[dict[str, Any]]:
    """Measure every size and print one table."""
    costs = [measure_size(size, runs=runs or runs_for(size), folder=folder, say=say) for size in sizes]
    click.echo("\n" + tables.node_cost_text(costs) + "\n")
    return [tables.node_cost_values(cost) for cost in costs]


def reference(runs: int | None, folder: Path) -> dict[str, Any]:
    """Measure the reference run and print its table."""
    found = measure_reference(runs=runs or REFERENCE_RUNS, folder=folder, say=say)
    click.echo("\n" + tables.reference_text(found) + "\n")
    return tables.reference_values(found)


def say(line: str) -> None:
    """Tell how far the measuring is; the tables alone go to stdout."""
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
