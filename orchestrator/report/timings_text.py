"""Prints what the steps of a run took, its critical path, and what would shorten it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.estimates.run_timings import RunTimings, StepTiming
from orchestrator.execution.lanes import Lane
from orchestrator.plan.plan_words import kind_of, shown_name
from orchestrator.report.streams import print_wide

_COLUMNS = ("ran", "waited", "compiled", "executed", "recording", "kind", "step")
_MOST_SHOWN = 20
_LONGEST_STEPS = 3
_WORTH_SAYING = 0.05
"""The share of a run from which on something is worth a sentence."""
_SLOTS = {
    Lane.DBT: "dbt runs as many nodes at once as `threads` of the target, or --threads, allows",
    Lane.INGEST: "the setting `ingestion.threads` says how many loads run at once",
    Lane.VALIDATE: "expectation suites run one at a time",
    Lane.LIGHT: "few of such queries run at once",
    Lane.OWN: "few steps of elt.yml run at once",
}


def print_timings(console: Console, timings: RunTimings) -> None:
    """Print the steps that ran, the slowest first, the critical path, and what would shorten it."""
    console.print(Text.assemble((timings.run_id, "bold"), f"  took {seconds_text(timings.took)}"))
    ran = sorted((one for one in timings.steps if one.ran), key=lambda one: -one.ran)
    if not ran:
        console.print("No step ran.")
        return
    _table(console, f"Steps that ran ({len(ran):,})", ran[:_MOST_SHOWN])
    if len(ran) > _MOST_SHOWN:
        longest = seconds_text(ran[_MOST_SHOWN].ran)
        console.print(f"… and {len(ran) - _MOST_SHOWN:,} more, each at most {longest}; --json has all.", style="dim")
    _table(console, f"Critical path ({seconds_text(timings.path_took)})", timings.path)
    advice = list(advice_lines(timings))
    if advice:
        console.print(Text.assemble("\n", ("What would shorten it", "bold")))
        for line in advice:
            console.print(Text(f"  {line}"), soft_wrap=True)


def seconds_text(time: timedelta | None) -> str:
    """Return a time in seconds, with as many digits as a reader compares; empty if it is not known."""
    if time is None:
        return ""
    seconds = time.total_seconds()
    return f"{seconds:,.2f} s" if seconds < 10 else f"{seconds:,.1f} s"


def advice_lines(timings: RunTimings) -> Iterator[str]:
    """Yield sentences on what the length of a run depends on, the most promising first."""
    whole = timings.took.total_seconds() or 1.0
    for lane, waited in sorted(timings.waited_on_path.items(), key=lambda found: -found[1]):
        if waited.total_seconds() >= _WORTH_SAYING * whole:
            share = waited.total_seconds() / whole
            yield f"{seconds_text(waited)} ({share:.0%}) of waiting for a free slot: {_SLOTS[lane]}."
    between = sum((one.between for one in timings.path), timedelta())
    if between.total_seconds() >= _WORTH_SAYING * whole:
        yield f"{seconds_text(between)} of waiting between attempts: `elt show` says why steps were repeated."
    slowest = sorted(timings.path, key=lambda one: -one.ran)[:_LONGEST_STEPS]
    for one in slowest:
        share = one.ran.total_seconds() / whole
        if share >= _WORTH_SAYING:
            yield f"{shown_name(one.step)} is {share:.0%} of the run."
    if timings.took - timings.unlimited >= timedelta(seconds=_WORTH_SAYING * whole):
        yield f"With a free slot for every step, the steps would take at least {seconds_text(timings.unlimited)}."


def _table(console: Console, title: str, steps: Iterable[StepTiming]) -> None:
    console.print(Text.assemble("\n", (title, "bold")))
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    for name in _COLUMNS:
        is_time = name not in {"kind", "step"}
        table.add_column(name, justify="right" if is_time else "left", no_wrap=True, overflow="ellipsis")
    for one in steps:
        times = (one.ran, one.waited, one.compiled, one.executed, one.recording)
        table.add_row(*map(seconds_text, times), kind_of(one.step), shown_name(one.step))
    print_wide(console, table)


def timings_to_json(timings: RunTimings) -> dict[str, object]:
    """Return the timings as JSON, in the format described in docs/history.md; all times are seconds."""
    return {
        "version": 1,
        "run_id": timings.run_id,
        "took": timings.took.total_seconds(),
        "steps": [_step(one) for one in timings.steps],
        "critical_path": [one.step.id for one in timings.path],
        "critical_path_took": timings.path_took.total_seconds(),
        "waited_on_path": {lane.value: time.total_seconds() for lane, time in timings.waited_on_path.items()},
        "unlimited": timings.unlimited.total_seconds(),
    }


def _step(one: StepTiming) -> dict[str, object]:
    return {
        "step_id": one.step.id,
        "kind": kind_of(one.step).replace(" ", "_"),
        "status": one.status.value,
        "started_at": one.started_at.isoformat(),
        "ended_at": one.ended_at.isoformat(),
        "waited": one.waited.total_seconds(),
        "between_attempts": one.between.total_seconds(),
        "ran": one.ran.total_seconds(),
        "compiled": None if one.compiled is None else one.compiled.total_seconds(),
        "executed": None if one.executed is None else one.executed.total_seconds(),
        "recording": one.recording.total_seconds(),
        "follows": one.follows,
    }
