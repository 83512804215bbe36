"""Measures what a node costs: `elt run`, `dbt build` and bare DuckDB over one generated project and database."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.artifacts import compiled_statements, forget, parsed_anew, same_or_fail, statuses
from benchmarks.figures import Measured, Series, ratio
from benchmarks.layered_project import DATABASE, SCHEMA, write_project
from benchmarks.measure import BenchmarkFailed, command, measure, run_script, script

OURS, DBT, FLOOR = "elt run", "dbt build", "bare DuckDB"
MOST_MB_ABOVE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCost:
    """The figures of one size."""

    models: int
    contenders: tuple[Series, Series, Series]

    @property
    def ratio(self) -> float:
        """Our wall time over dbt's."""
        ours, dbt, _ = self.contenders
        return ratio(ours, dbt)

    @property
    def above_floor(self) -> float:
        """Our wall time over that of bare DuckDB."""
        ours, _, floor = self.contenders
        return ratio(ours, floor)

    @property
    def mb_above(self) -> float:
        """Our peak memory less dbt's."""
        ours, dbt, _ = self.contenders
        return ours.peak_mb - dbt.peak_mb

    @property
    def most_ratio(self) -> float:
        """What issue and docs promise for this size."""
        return 1.05 if self.models < 100 else 1.0


def runs_for(models: int) -> int:
    """Give the counted runs: five, three where a run takes long."""
    return 3 if models >= 500 else 5


def measure_size(models: int, *, runs: int, folder: Path, say: Callable[[str], None]) -> NodeCost:
    """Write the project, warm every contender up once, then measure them in turn, round by round."""
    project = folder / f"synthetic{models}"
    write_project(project, models)
    bench = _Bench(project=project)
    say(f"{models} models with {2 * models} tests: warming up")
    bench.round(floor_is_known=False)
    rounds = []
    for number in range(runs):
        rounds.append(bench.round(floor_is_known=True))
        shown = ", ".join(f"{name} {run.seconds:.2f} s" for name, run in rounds[-1].items())
        say(f"  round {number + 1} of {runs}: {shown}")
    ours, dbt, floor = (Series(name=name, runs=tuple(one[name] for one in rounds)) for name in (OURS, DBT, FLOOR))
    return NodeCost(models=models, contenders=(ours, dbt, floor))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """The contenders of one project, each with a target folder of its own, so that none spoils another's parse."""

    project: Path

    def round(self, *, floor_is_known: bool) -> dict[str, Measured]:
        """Let each contender do the whole work once; they must have done the same."""
        measured, said, rows = {}, {}, {}
        for name, run in ((OURS, self._ours), (DBT, self._dbt), (FLOOR, self._floor)):
            measured[name], said[name] = run(floor_is_known)
            rows[name] = json.loads(run_script("row_counts", DATABASE, SCHEMA, "--empty", folder=self.project))
        same_or_fail("statuses", said)
        same_or_fail("row counts", rows)
        if not rows[DBT] or min(rows[DBT].values()) == 0:
            raise BenchmarkFailed("A relation of the generated project is empty: the row counts prove nothing.")
        return measured

    def _ours(self, is_warm: bool) -> tuple[Measured, dict[str, str]]:  # noqa: FBT001
        words = [command("elt"), "run", "--upstream", "none", "--no-ingest"]
        return self._with_artifacts("elt", words, is_warm=is_warm)

    def _dbt(self, is_warm: bool) -> tuple[Measured, dict[str, str]]:  # noqa: FBT001
        return self._with_artifacts("dbt", [command("dbt"), "build"], is_warm=is_warm)

    def _with_artifacts(self, name: str, words: list[str], *, is_warm: bool) -> tuple[Measured, dict[str, str]]:
        target, logs = self.project / f"target_{name}", self.project / f"logs_{name}"
        forget(target)
        shutil.rmtree(logs, ignore_errors=True)
        words += ["--target-path", str(target), "--log-path", str(logs)]
        measured = measure(words, folder=self.project, log=self.project / f"{name}.out")
        if is_warm and parsed_anew(logs):
            raise BenchmarkFailed(f"{name} parsed the whole project again; its parse was to be warm.")
        return measured, statuses(target)

    def _floor(self, is_known: bool) -> tuple[Measured, dict[str, str]]:  # noqa: FBT001
        statements, results = self.project / "floor.json", self.project / "floor_results.json"
        if not is_known:
            statements.write_text(json.dumps(compiled_statements(self.project / "target_dbt")))
        results.unlink(missing_ok=True)
        words = [*script("run_floor"), DATABASE, str(statements), str(results)]
        measured = measure(words, folder=self.project, log=self.project / "floor.out")
        said: dict[str, Any] = json.loads(results.read_text())
        return measured, said
