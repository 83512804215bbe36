"""Measures the ways to execute nodes beside `dbt build`: unchanged code, one model edited, nothing to do, dbt alone."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.artifacts import forget, same_or_fail, statuses
from benchmarks.figures import Measured, Series, median_of_ratios
from benchmarks.layered_project import DATABASE, SCHEMA, write_project
from benchmarks.measure import BenchmarkFailed, command, measure, run_script

BUILD, LIST, PLAN = "dbt build", "dbt ls", "elt plan"
UNCHANGED, EDITED, NOTHING, PLAIN = (
    "elt run: code unchanged",
    "elt run: one model edited",
    "elt run --skip-unchanged: nothing changed",
    "elt run --plain",
)
_TARGETS = {
    (10, 0): {UNCHANGED: 0.15, EDITED: 0.55, NOTHING: 0.12},
    (100, 0): {UNCHANGED: 0.08, EDITED: 0.30, NOTHING: 0.05},
    (500, 0): {UNCHANGED: 0.05, EDITED: 0.18, NOTHING: 0.02},
    (500, 2000): {UNCHANGED: 0.03, EDITED: 0.12, NOTHING: 0.015},
}
MOST_OF_LIST = 0.25
_ALONE = ("--upstream", "none", "--no-ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The figures of one project."""

    models: int
    macros: int
    """Macros that the project has besides, and that nothing calls."""
    contenders: tuple[Series, ...]

    def ratios(self, name: str) -> tuple[float, float]:
        """The CPU time and the wall time of a contender over those of the command of dbt that does the same."""
        by_name = {series.name: series.runs for series in self.contenders}
        ours, theirs = by_name[name], by_name[LIST if name in {PLAN, LIST} else BUILD]
        return (
            median_of_ratios([run.cpu_seconds for run in ours], [run.cpu_seconds for run in theirs]),
            median_of_ratios([run.seconds for run in ours], [run.seconds for run in theirs]),
        )

    def target(self, name: str) -> float | None:
        """The most that a contender may take of dbt's time."""
        return MOST_OF_LIST if name == PLAN else _TARGETS.get((self.models, self.macros), {}).get(name)


def measure_ways(models: int, *, macros: int, rounds: int, folder: Path, say: Callable[[str], None]) -> Ways:
    """Write the project, warm every contender up once, then measure them in turn, round by round."""
    project = folder / f"ways{models}_{macros}"
    write_project(project, models)
    if macros:
        (project / "macros").mkdir()
        text = "\n".join(
            f"{{% macro unused{number}(x) %}}{{{{ x }}}} + {number}{{% endmacro %}}" for number in range(macros)
        )
        (project / "macros" / "unused.sql").write_text(text)
    bench = _Bench(project=project)
    say(f"{models} models with {2 * models} tests and {macros} more macros: warming up")
    bench.round(0)
    counted = []
    for number in range(rounds):
        counted.append(bench.round(number + 1))
        told = ", ".join(f"{name} {one.cpu_seconds:.2f} s" for name, one in counted[-1].items())
        say(f"  round {number + 1} of {rounds}: {told}")
    series = tuple(Series(name=name, runs=tuple(one[name] for one in counted)) for name in counted[0])
    return Ways(models=models, macros=macros, contenders=series)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    project: Path

    def round(self, number: int) -> dict[str, Measured]:
        """Let each contender do its work once; those that build everything must have done the same."""
        found, said = {}, {}
        for name, run in ((BUILD, self._dbt), (PLAIN, self._plain), (UNCHANGED, self._elt)):
            if name == UNCHANGED:
                self._elt()  # dbt compiles once what the last round edited
            found[name] = run()
            said[name] = self._answer(name)
        # Edited for all that follows; the plain run of the next round parses it for dbt's own target folder too.
        edited = self.project / "models" / "layer0" / "layer0_model0000.sql"
        edited.write_text(edited.read_text().split("\n-- edited")[0] + f"\n-- edited {number}\n")
        found[EDITED] = self._elt()
        said[EDITED] = self._answer(EDITED)
        for what in ("statuses", "rows"):
            same_or_fail(what, {name: one[what] for name, one in said.items()})
        found[NOTHING] = self._elt("--skip-unchanged")
        if set(statuses(self._target("elt")).values()) != {"pass", "success"}:
            raise BenchmarkFailed("A run in which nothing had changed did not keep all results.")
        found[PLAN] = self._measured("elt", "plan", *_ALONE)
        found[LIST] = self._measured("dbt", "ls")
        return found

    def _dbt(self) -> Measured:
        return self._measured("dbt", "build")

    def _plain(self) -> Measured:
        return self._measured("elt", "run", *_ALONE, "--plain")

    def _elt(self, *more: str) -> Measured:
        return self._measured("elt", "run", *_ALONE, *more)

    def _measured(self, tool: str, *words: str) -> Measured:
        target, logs = self._target(tool), self.project / f"logs_{tool}"
        if words[0] in {"build", "run"} and "--skip-unchanged" not in words:
            forget(target)
        shutil.rmtree(logs, ignore_errors=True)
        options = ("--target-path", str(target), "--log-path", str(logs))
        return measure([command(tool), *words, *options], folder=self.project, log=self.project / f"{tool}.out")

    def _target(self, tool: str) -> Path:
        return self.project / f"target_{tool}"

    def _answer(self, name: str) -> dict[str, dict[str, object]]:
        rows = json.loads(run_script("row_counts", DATABASE, SCHEMA, "--empty", folder=self.project))
        return {"statuses": dict(statuses(self._target("dbt" if name == BUILD else "elt"))), "rows": rows}


def ways_text(found: Sequence[Ways]) -> str:
    """Show each contender with its ratios to dbt's command, for each project."""
    lines = [
        "| models | more macros | contender | CPU time | wall time | CPU to dbt | wall to dbt | target | peak memory |",
        "|---:|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        for series in one.contenders:
            cpu, wall = one.ratios(series.name)
            target = one.target(series.name)
            lines.append(
                f"| {one.models} | {one.macros} | {series.name} | {series.cpu_seconds:.2f} s | {series.seconds:.2f} s "
                f"| {cpu:.3f} | {wall:.3f} | {'' if target is None else target} | {series.peak_mb:.0f} MB |"
            )
    return "\n".join(lines)
