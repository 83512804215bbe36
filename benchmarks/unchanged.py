"""Measures a run that finds nothing changed beside the full run that it follows, over one generated project."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.artifacts import same_or_fail, statuses
from benchmarks.figures import Measured, Series, ratio
from benchmarks.layered_project import DATABASE, SCHEMA, write_project
from benchmarks.measure import BenchmarkFailed, command, measure, run_script

FULL, UNCHANGED = "elt run", "elt run --skip-unchanged"
MOST_RATIO = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedRun:
    """The figures."""

    models: int
    full: Series
    unchanged: Series

    @property
    def ratio(self) -> float:
        """The wall time where nothing changed over that of a full run."""
        return ratio(self.unchanged, self.full)


def measure_unchanged(models: int, *, runs: int, folder: Path, say: Callable[[str], None]) -> UnchangedRun:
    """Write the project, build it once, then measure both in turn, round by round."""
    project = folder / f"unchanged{models}"
    write_project(project, models)
    say(f"{models} models with {2 * models} tests, nothing changed: warming up")
    _round(project)
    rounds = []
    for number in range(runs):
        rounds.append(_round(project))
        full, unchanged = rounds[-1]
        say(f"  round {number + 1} of {runs}: {FULL} {full.seconds:.2f} s, {UNCHANGED} {unchanged.seconds:.2f} s")
    full, unchanged = zip(*rounds, strict=True)
    return UnchangedRun(
        models=models, full=Series(name=FULL, runs=full), unchanged=Series(name=UNCHANGED, runs=unchanged)
    )


def _round(project: Path) -> tuple[Measured, Measured]:
    """Run everything, then again what changed: nothing, which leaves the same statuses and rows."""
    measured, said, rows = {}, {}, {}
    for name, words in ((FULL, ()), (UNCHANGED, ("--skip-unchanged",))):
        log = project / "unchanged.out"
        options = ["--upstream", "none", "--no-ingest", "--json", *words]
        measured[name] = measure([command("elt"), "run", *options], folder=project, log=log)
        said[name] = statuses(project / "target")
        rows[name] = json.loads(run_script("row_counts", DATABASE, SCHEMA, folder=project))
    same_or_fail("statuses", said)
    same_or_fail("row counts", rows)
    counts = _counts(log)
    if set(counts) != {"reused"}:
        raise BenchmarkFailed(f"Nothing had changed, and yet not all steps were reused: {counts}.")
    return measured[FULL], measured[UNCHANGED]


def _counts(log: Path) -> dict[str, int]:
    """Read off the last line how the steps of a run ended."""
    counts: dict[str, int] = json.loads(log.read_text().splitlines()[-1])["counts"]
    return counts
