"""Shows the figures of the large project as text, and as values for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.figures import Series, median_of_ratios, ratio
from benchmarks.scale import MOST_MEMORY, MOST_RATIO, PICTURES_A_SECOND, Parts, Scale


def scale_text(found: Scale) -> str:
    """Show planning beside dbt, growth, memory, and what somebody who watches gets."""
    blocks = [_listing(found), _growth(found.parts), _memory(found), "\n".join(_watched(found))]
    return "\n\n".join(filter(None, blocks))


def scale_values(found: Scale) -> dict[str, Any]:
    """Give every figure."""
    return asdict(found)


def _listing(found: Scale) -> str:
    dbt = found.listing[0]
    lines = [
        f"{found.models:,} models, {2 * found.models:,} tests:",
        "",
        "| contender | CPU time | wall time | CPU to dbt ls | wall to dbt ls | target | peak memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for series in found.listing:
        target = "" if series is dbt else f" {MOST_RATIO:.2f}"
        lines.append(
            f"| {series.name} | {series.cpu_seconds:.2f} s | {series.seconds:.2f} s | {_cpu_ratio(series, dbt):.2f} "
            f"| {ratio(series, dbt):.2f} |{target} | {series.peak_mb:.0f} MB |"
        )
    return "\n".join(lines)


def _cpu_ratio(ours: Series, theirs: Series) -> float:
    return median_of_ratios([run.cpu_seconds for run in ours.runs], [run.cpu_seconds for run in theirs.runs])


def _growth(parts: Sequence[Parts]) -> str:
    """Show seconds, and microseconds a step: where these stay the same from size to size, the growth is linear.

    A part in brackets is a yardstick and does not count.
    """
    sizes = " | ".join(f"{one.models:,} models, {one.steps:,} steps" for one in parts)
    lines = [
        f"| part | {sizes} | cost per step, {parts[-1].models:,} to {parts[0].models:,} |",
        "|---|" + "---:|" * (len(parts) + 1),
    ]
    for part in parts[0].seconds:
        shown = " | ".join(f"{one.seconds[part]:.3f} s, {one.microseconds(part):.0f} µs" for one in parts)
        lines.append(f"| {part} | {shown} | {parts[-1].microseconds(part) / parts[0].microseconds(part):.2f} |")
    totals = [sum(taken for part, taken in one.seconds.items() if part[0] != "(") for one in parts]
    each = [total / one.steps * 1e6 for total, one in zip(totals, parts, strict=True)]
    shown = " | ".join(f"{total:.3f} s, {cost:.0f} µs" for total, cost in zip(totals, each, strict=True))
    return "\n".join([*lines, f"| all | {shown} | {each[-1] / each[0]:.2f} |"])


def _memory(found: Scale) -> str:
    if not found.building:
        return ""
    dbt = found.building[0]
    lines = [
        f"{found.built_models:,} models built:",
        "",
        "| contender | CPU time | wall time | peak memory | to dbt build | target |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for series in found.building:
        target = "" if series is dbt else f" {MOST_MEMORY:.2f}"
        lines.append(
            f"| {series.name} | {series.cpu_seconds:.0f} s | {series.seconds:.0f} s | {series.peak_mb:.0f} MB "
            f"| {series.peak_mb / dbt.peak_mb:.2f} |{target} |"
        )
    return "\n".join(lines)


def _watched(found: Scale) -> Iterator[str]:
    for screen, milliseconds in found.parts[-1].picture_ms.items():
        share = milliseconds / 1000 * PICTURES_A_SECOND
        yield (
            f"Live view, 40 of {found.parts[-1].steps:,} steps running, {screen}: {milliseconds:.2f} ms a picture, "
            f"{PICTURES_A_SECOND} a second: {share:.2%} of one core."
        )
    if found.interrupt_seconds is not None:
        yield f"From Ctrl-C to the end of a run of {found.models:,} models: {found.interrupt_seconds:.1f} s."
