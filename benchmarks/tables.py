"""Shows the figures as text, with the targets beside them, and as values for JSON."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from benchmarks.figures import Series, ratio
from benchmarks.record import LISTED, MOST_OF_MANY, MOST_OF_RECORDING, Listing, Recording
from benchmarks.reference import MOST_RATIO, ReferenceRun
from benchmarks.synthetic import MOST_MB_ABOVE, NodeCost
from benchmarks.unchanged import MOST_RATIO as UNCHANGED_MOST
from benchmarks.unchanged import UnchangedRun

TOOLS = ("dbt-core", "dbt-duckdb", "duckdb", "dlt", "great-expectations")


def machine() -> dict[str, Any]:
    """Say when and on what the figures were measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{tool: version(tool) for tool in TOOLS},
    }


def machine_text() -> str:
    """Say the same in a line."""
    return ", ".join(f"{name} {value}" for name, value in machine().items())


def node_cost_text(costs: Sequence[NodeCost]) -> str:
    """Show the sizes below each other."""
    lines = [
        "| models | contender | CPU time | wall time | to dbt | target | peak memory | above dbt | target |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for cost in costs:
        ours, dbt, floor = cost.contenders
        lines.append(
            f"| {cost.models} {_time(ours)} {cost.ratio:.2f} | {cost.most_ratio:.2f} | {ours.peak_mb:.0f} MB "
            f"| {cost.mb_above:+.0f} MB | {MOST_MB_ABOVE} MB |"
        )
        lines.append(f"| {_time(dbt)} 1.00 | | {dbt.peak_mb:.0f} MB | | |")
        lines.append(f"| {_time(floor)} {ratio(floor, dbt):.3f} | | {floor.peak_mb:.0f} MB | | |")
    return "\n".join(lines)


def unchanged_text(found: UnchangedRun) -> str:
    """Show the run that finds nothing changed beside the full run."""
    return "\n".join(
        [
            "| models | contender | CPU time | wall time | to the full run | target |",
            "|---:|---|---:|---:|---:|---:|",
            f"| {found.models} {_time(found.full)} 1.00 | |",
            f"| {_time(found.unchanged)} {found.ratio:.2f} | {UNCHANGED_MOST:.2f} |",
        ]
    )


def reference_text(found: ReferenceRun) -> str:
    """Show the reference run beside the three commands."""
    lines = [
        "| contender | CPU time | wall time | to the three | target | peak memory |",
        "|---|---:|---:|---:|---:|---:|",
        f"{_time(found.ours)} {found.ratio:.2f} | {MOST_RATIO:.2f} | {found.ours.peak_mb:.0f} MB |",
        f"{_time(found.together)} 1.00 | | {found.together.peak_mb:.0f} MB |",
    ]
    lines += [f"{_time(part)} {ratio(part, found.together):.2f} | | {part.peak_mb:.0f} MB |" for part in found.parts]
    return "\n".join(lines)


def node_cost_values(cost: NodeCost) -> dict[str, Any]:
    """Give every run of one size, and its ratio."""
    return {
        "models": cost.models,
        "ratio": cost.ratio,
        "mb_above": cost.mb_above,
        "contenders": [asdict(series) for series in cost.contenders],
    }


def unchanged_values(found: UnchangedRun) -> dict[str, Any]:
    """Give every run of both, and the ratio."""
    return {"ratio": found.ratio, "contenders": [asdict(series) for series in (found.full, found.unchanged)]}


def reference_values(found: ReferenceRun) -> dict[str, Any]:
    """Give every run of the reference run and of the three commands, and the ratio."""
    return {"ratio": found.ratio, "contenders": [asdict(series) for series in (found.ours, *found.parts)]}


def _time(series: Series) -> str:
    return f"| {series.name} | {series.cpu_seconds:.2f} s | {series.seconds:.2f} s |"


def recording_text(costs: Sequence[Recording]) -> str:
    """Show what recording adds to a run, for each size."""
    lines = [
        "| models | contender | CPU time | wall time | to unrecorded | target | peak memory |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for cost in costs:
        with_it, without = cost.recorded, cost.unrecorded
        lines.append(
            f"| {cost.models} {_time(with_it)} {cost.ratio:.3f} | {MOST_OF_RECORDING:.2f} | {with_it.peak_mb:.0f} MB |"
        )
        lines.append(f"| {_time(without)} 1.000 | | {without.peak_mb:.0f} MB |")
    return "\n".join(lines)


def listing_text(found: Listing) -> str:
    """Show what `elt history` takes over many runs and over few."""
    lines = ["| recorded runs | CPU time | wall time | to few | target | size |", "|---:|---:|---:|---:|---:|---:|"]
    many, few = found.many, found.few
    lines.append(
        f"| {found.runs:,} | {many.cpu_seconds:.2f} s | {many.seconds:.2f} s | {found.ratio:.2f} | {MOST_OF_MANY:.2f} "
        f"| {found.megabytes:,.0f} MB |"
    )
    lines.append(f"| {LISTED} | {few.cpu_seconds:.2f} s | {few.seconds:.2f} s | 1.00 | | |")
    return "\n".join(lines)


def record_values(costs: Sequence[Recording], found: Listing) -> dict[str, Any]:
    """Give every run of both measurements, and their ratios."""
    return {
        "recording": [{**asdict(cost), "ratio": cost.ratio} for cost in costs],
        "history": {**asdict(found), "ratio": found.ratio},
    }
