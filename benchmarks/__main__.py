"""The command `python -m benchmarks`: measures, prints the tables, and fails when the contenders differ."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks import scale_tables, tables
from benchmarks.estimates import estimates_text, estimates_values, measure_estimates
from benchmarks.measure import BenchmarkFailed
from benchmarks.record import measure_listing, measure_recording
from benchmarks.reference import measure_reference
from benchmarks.scale import measure_scale
from benchmarks.synthetic import measure_size, runs_for
from benchmarks.unchanged import measure_unchanged
from benchmarks.ways import measure_ways, ways_text
from benchmarks.wide_macros import measure_wide_macros, wide_macros_text

REFERENCE_RUNS = 3
SCALE_ROUNDS = 5
UNCHANGED_MODELS = 100
RECORD_ROUNDS = 5
MACRO_SIZES = (100, 200, 400)
HISTORIES = 200
PARTS = ("synthetic", "ways", "unchanged", "macros", "reference", "record", "estimates", "scale")


@click.command("benchmarks")
@click.option("--only", type=click.Choice(PARTS), help="One of them instead of all.")
@click.option("--sizes", default="10,100,500", show_default=True, help="Numbers of models of the synthetic project.")
@click.option(
    "--way-sizes",
    default="10,100,500,500+2000",
    show_default=True,
    help="The same for the ways to execute nodes; with `+`, the number of macros that the project has besides.",
)
@click.option("--recording-sizes", default="500", show_default=True, help="Numbers of models that are recorded or not.")
@click.option("--recorded-runs", type=click.IntRange(min=31), default=10_000, show_default=True, help="Runs to list.")
@click.option("--scale-sizes", default="500,1000,2000,3000", show_default=True, help="The same of the large project.")
@click.option(
    "--build-models",
    type=click.IntRange(min=0),
    default=3000,
    show_default=True,
    help="How many models of the large kind are built to compare memory; 0 for none.",
)
@click.option("--runs", "--rounds", "runs", type=click.IntRange(min=1), help="Counted rounds; by default 3 or 5.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file, too.")
def main(  # noqa: PLR0913  # one for each option
    *,
    only: str | None,
    sizes: str,
    way_sizes: str,
    recording_sizes: str,
    recorded_runs: int,
    scale_sizes: str,
    build_models: int,
    runs: int | None,
    json_file: Path | None,
) -> None:
    """Measure `elt` beside what it replaces, on this machine."""
    say(tables.machine_text())
    if os.getloadavg()[0] > 0.5:
        say(f"The machine is not calm (load {os.getloadavg()[0]:.1f}): only the ratios mean something.")
    parts: dict[str, Callable[[Path], Any]] = {
        "synthetic": lambda folder: synthetic(_numbers(sizes), runs, folder),
        "ways": lambda folder: ways(way_sizes, runs, folder),
        "unchanged": lambda folder: unchanged(runs, folder),
        "macros": lambda folder: macros(runs, folder),
        "reference": lambda folder: reference(runs, folder),
        "record": lambda folder: record(_numbers(recording_sizes), recorded_runs, runs, folder),
        "estimates": lambda _folder: estimates(),
        "scale": lambda folder: scale(_numbers(scale_sizes), runs, build_models, folder),
    }
    values: dict[str, Any] = {"machine": tables.machine()}
    try:
        with TemporaryDirectory(prefix="elt-bench-") as folder:
            for name in [only] if only else PARTS:
                values[name] = parts[name](Path(folder))
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


def ways(sizes: str, runs: int | None, folder: Path) -> list[dict[str, Any]]:
    """Measure the ways to execute nodes beside dbt, and print one table."""
    found = []
    for size in sizes.split(","):
        models, _, macros = size.partition("+")
        rounds = runs or runs_for(int(models))
        found.append(measure_ways(int(models), macros=int(macros or 0), rounds=rounds, folder=folder, say=say))
    click.echo("\n" + ways_text(found) + "\n")
    return [asdict(one) for one in found]


def unchanged(runs: int | None, folder: Path) -> dict[str, Any]:
    """Measure a run that finds nothing changed, and print its table."""
    found = measure_unchanged(UNCHANGED_MODELS, runs=runs or REFERENCE_RUNS, folder=folder, say=say)
    click.echo("\n" + tables.unchanged_text(found) + "\n")
    return tables.unchanged_values(found)


def macros(runs: int | None, folder: Path) -> list[dict[str, Any]]:
    """Measure projects that grow in tests and macros, and print one table."""
    found = [measure_wide_macros(size, rounds=runs or REFERENCE_RUNS, folder=folder, say=say) for size in MACRO_SIZES]
    click.echo("\n" + wide_macros_text(found) + "\n")
    return [{**asdict(one), "plan_ratio": one.plan_ratio, "run_ratio": one.run_ratio} for one in found]


def reference(runs: int | None, folder: Path) -> dict[str, Any]:
    """Measure the reference run and print its table."""
    found = measure_reference(runs=runs or REFERENCE_RUNS, folder=folder, say=say)
    click.echo("\n" + tables.reference_text(found) + "\n")
    return tables.reference_values(found)


def record(sizes: list[int], recorded_runs: int, runs: int | None, folder: Path) -> dict[str, Any]:
    """Measure the record of runs and print its tables."""
    rounds = runs or RECORD_ROUNDS
    costs = [measure_recording(size, rounds=rounds, folder=folder, say=say) for size in sizes]
    click.echo("\n" + tables.recording_text(costs) + "\n")
    listing = measure_listing(recorded_runs, rounds=rounds, folder=folder, say=say)
    click.echo("\n" + tables.listing_text(listing) + "\n")
    return tables.record_values(costs, listing)


def estimates() -> dict[str, Any]:
    """Simulate histories, and print how good estimates are."""
    found = measure_estimates(HISTORIES, say=say)
    click.echo("\n" + estimates_text(found) + "\n")
    return estimates_values(found)


def scale(sizes: list[int], runs: int | None, build_models: int, folder: Path) -> dict[str, Any]:
    """Measure the large project and print its tables."""
    found = measure_scale(sizes, rounds=runs or SCALE_ROUNDS, build_models=build_models, folder=folder, say=say)
    click.echo("\n" + scale_tables.scale_text(found) + "\n")
    return scale_tables.scale_values(found)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def say(line: str) -> None:
    """Tell how far the measuring is; the tables alone go to stdout."""
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
