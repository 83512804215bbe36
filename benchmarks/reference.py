"""Measures the reference run: `elt run` over the real flights, against the same work as three commands in sequence."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.artifacts import forget, parsed_anew, same_or_fail, statuses
from benchmarks.figures import Measured, Series, leased, ratio
from benchmarks.measure import BenchmarkFailed, command, measure, run_script, script

REPOSITORY = Path(__file__).parents[1]
SCHEMAS = ("raw_bts", "raw_airports", "raw_registry", "raw_weather", "analytics")
OURS, LOADS, DBT, VALIDATIONS = "elt run", "dlt script", "dbt build", "GX script"
MOST_RATIO = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRun:
    """The figures of the reference run and of the three commands."""

    ours: Series
    parts: tuple[Series, ...]

    @property
    def together(self) -> Series:
        """The three commands as one contender."""
        return leased("three in sequence", self.parts)

    @property
    def ratio(self) -> float:
        """Our wall time over the sum of the three."""
        return ratio(self.ours, self.together)


def measure_reference(*, runs: int, folder: Path, say: Callable[[str], None]) -> ReferenceRun:
    """Run both in turn on a fresh database each time; the first round warms both up and is not counted."""
    bench = _Bench(ours=folder / "reference_elt", theirs=folder / "reference_three")
    for root in (bench.ours, bench.theirs):
        _copy_project(root)
    say("reference run: warming up")
    bench.round(is_warm=False)
    rounds = []
    for number in range(runs):
        rounds.append(bench.round(is_warm=True))
        shown = ", ".join(f"{name} {run.seconds:.2f} s" for name, run in rounds[-1].items())
        say(f"  round {number + 1} of {runs}: {shown}")
    ours, *parts = (
        Series(name=name, runs=tuple(one[name] for one in rounds)) for name in (OURS, LOADS, DBT, VALIDATIONS)
    )
    return ReferenceRun(ours=ours, parts=tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Two copies of the project, each with its own warehouse; the parse is kept, the loaded data is not."""

    ours: Path
    theirs: Path

    def round(self, *, is_warm: bool) -> dict[str, Measured]:
        """Let both do the whole work once; they must have done the same."""
        measured = {OURS: self._elt(is_warm=is_warm)} | self._three(is_warm=is_warm)
        roots = {OURS: self.ours, "three in sequence": self.theirs}
        same_or_fail("statuses", {name: statuses(_target(root)) for name, root in roots.items()})
        same_or_fail("row counts", {name: _rows(root) for name, root in roots.items()})
        same_or_fail("validations", {OURS: _our_validations(self.ours), VALIDATIONS: _their_validations(self.theirs)})
        return measured

    def _elt(self, *, is_warm: bool) -> Measured:
        _start_afresh(self.ours)
        words = [command("elt"), "run", "--json"]
        measured = measure(words, folder=self.ours, log=self.ours / "elt.out")
        _require_warm_parse(self.ours, is_warm=is_warm)
        return measured

    def _three(self, *, is_warm: bool) -> dict[str, Measured]:
        root, database = self.theirs, str(_warehouse(self.theirs))
        _start_afresh(root)
        loads = [*script("run_loads"), database, str(root / "dlt")]
        validations = [*script("run_validations"), database, str(root / "expectations")]
        measured = {
            LOADS: measure(loads, folder=root / "ingestion", log=root / "loads.out"),
            DBT: measure([command("dbt"), "build"], folder=root / "dbt_project", log=root / "dbt.out"),
            VALIDATIONS: measure(validations, folder=root, log=root / "validations.out"),
        }
        _require_warm_parse(root, is_warm=is_warm)
        return measured


def _copy_project(root: Path) -> None:
    made = shutil.ignore_patterns("target", "logs", "*.duckdb", "*.duckdb.wal", "__pycache__", ".user.yml")
    for name in ("ingestion", "dbt_project", "expectations"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=made)


def _start_afresh(root: Path) -> None:
    """Remove the warehouse, what dlt remembers of it, and the record of the last run."""
    for path in _warehouse(root).parent.glob("warehouse.duckdb*"):
        path.unlink()
    for folder in (root / "dlt", root / ".elt" / "dlt", root / "dbt_project" / "logs"):
        shutil.rmtree(folder, ignore_errors=True)
    forget(_target(root))


def _require_warm_parse(root: Path, *, is_warm: bool) -> None:
    if is_warm and parsed_anew(root / "dbt_project" / "logs"):
        raise BenchmarkFailed(f"{root.name} parsed the whole project again; its parse was to be warm.")


def _warehouse(root: Path) -> Path:
    return root / "dbt_project" / "warehouse.duckdb"


def _target(root: Path) -> Path:
    return root / "dbt_project" / "target"


def _rows(root: Path) -> dict[str, int]:
    """Count the rows of what was loaded and built, without the bookkeeping of loads."""
    found: dict[str, int] = json.loads(run_script("row_counts", str(_warehouse(root)), *SCHEMAS, folder=root))
    rows = {name: count for name, count in found.items() if '."_' not in name}
    if not rows or min(rows.values()) == 0:
        raise BenchmarkFailed(f"{root.name} left a table empty: {rows}")
    return rows


def _our_validations(root: Path) -> dict[str, list[bool]]:
    """Read from the lines of the run which expectations of each suite held."""
    events: list[dict[str, Any]] = [json.loads(line) for line in (root / "elt.out").read_text().splitlines()]
    suites = [event for event in events if event["event"] == "step_ended" and event["kind"] == "suite"]
    return {suite["name"]: [part["detail"]["success"] for part in suite["parts"]] for suite in suites}


def _their_validations(root: Path) -> dict[str, list[bool]]:
    held: dict[str, list[bool]] = json.loads((root / "validations.out").read_text().splitlines()[-1])
    return held
