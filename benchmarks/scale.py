"""Measures a project of thousands of models: planning beside `dbt ls`, growth by part, memory beside `dbt build`."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks.artifacts import parsed_anew, same_or_fail, statuses
from benchmarks.figures import Measured, Series
from benchmarks.layered_project import DATABASE
from benchmarks.measure import BenchmarkFailed, command, environment, measure, run_script
from benchmarks.scale_project import write_scale_project

LIST, OUR_LIST, PLAN = "dbt ls", "elt ls", "elt plan"
BUILD, RUN = "dbt build", "elt run"
MOST_RATIO = 1.1
MOST_MEMORY = 1.2
REPEATS = 5
PARSED = "target_parsed"
PICTURES_A_SECOND = 4
STEPS_BEFORE_INTERRUPT = 20

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What elt itself does for one size: processor seconds of each part, the medians of several times."""

    models: int
    steps: int
    seconds: Mapping[str, float]
    picture_ms: Mapping[str, float]

    def microseconds(self, part: str) -> float:
        """Give what one step costs in this part."""
        return self.seconds[part] / self.steps * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """All figures."""

    models: int
    listing: tuple[Series, ...]
    """dbt ls, elt ls and elt plan of the largest project."""
    parts: tuple[Parts, ...]
    built_models: int
    building: tuple[Series, ...]
    """dbt build and elt run of one project; empty when none was built."""
    interrupt_seconds: float | None
    """From Ctrl-C to the end of a run of the largest project."""


def measure_scale(sizes: Sequence[int], *, rounds: int, build_models: int, folder: Path, say: Say) -> Scale:
    """Write a project of each size and measure; the largest is listed and planned, another one is built."""
    parts = tuple(_parts(_written(folder, models, say), models, say) for models in sorted(sizes))
    largest = max(sizes)
    project = _written(folder, largest, say)
    listing = _listing(project, rounds, say)
    interrupt_seconds = _interrupted(project, say)
    building = _building(_written(folder, build_models, say), say) if build_models else ()
    return Scale(
        models=largest,
        listing=listing,
        parts=parts,
        built_models=build_models,
        building=building,
        interrupt_seconds=interrupt_seconds,
    )


def _written(folder: Path, models: int, say: Say) -> Path:
    """Write a project with its raw tables and let dbt parse it, unless it stands."""
    project = folder / f"scale{models}"
    if not project.exists():
        say(f"{models} models with {2 * models} tests: dbt parses them")
        write_scale_project(project, models)
        with duckdb.connect(str(project / DATABASE)) as connection:
            connection.execute((project / "raw.sql").read_text())
        parse = [command("dbt"), "parse", "--target-path", PARSED, "--log-path", "logs_parsed"]
        measure(parse, folder=project, log=project / "parse.out")
    return project


def _seed(project: Path, target: Path) -> None:
    """Give a target folder what dbt parsed: nobody parses the whole project again."""
    target.mkdir(exist_ok=True)
    shutil.copy(project / PARSED / "partial_parse.msgpack", target)


def _parts(project: Path, models: int, say: Say) -> Parts:
    say(f"  {models} models: what elt itself does")
    _seed(project, project / "target_parts")
    told: dict[str, Any] = json.loads(run_script("time_parts", str(REPEATS), folder=project))
    seconds = {part: median(times) for part, times in told["seconds"].items()}
    return Parts(models=models, steps=told["steps"], seconds=seconds, picture_ms=told["picture_ms"])


def _listing(project: Path, rounds: int, say: Say) -> tuple[Series, ...]:
    """Let the three take turns, each with a target folder of its own; partial parse is warm."""
    words = {LIST: [command("dbt"), "ls"], OUR_LIST: [command("elt"), "ls"], PLAN: [command("elt"), "plan"]}
    for name in words:
        _seed(project, _folder(project, "target", name))
    say(f"  planning beside {LIST}: the first of {rounds + 1} rounds does not count")
    counted: list[dict[str, Measured]] = []
    for number in range(rounds + 1):
        one = {name: _measured(project, name, line) for name, line in words.items()}
        _require_same_nodes(project)
        say(f"  round {number} of {rounds}: " + ", ".join(f"{name} {run.seconds:.1f} s" for name, run in one.items()))
        counted += [one] if number else []
    return tuple(Series(name=name, runs=tuple(one[name] for one in counted)) for name in words)


def _measured(project: Path, name: str, words: list[str]) -> Measured:
    target = _folder(project, "target", name)
    logs = _folder(project, "logs", name)
    for log in logs.glob("*.log"):
        log.unlink()
    log = project / f"{name.replace(' ', '_')}.out"
    measured = measure([*words, "--target-path", str(target), "--log-path", str(logs)], folder=project, log=log)
    if parsed_anew(logs):
        raise BenchmarkFailed(f"{name} parsed the whole project again; its parse was to be warm.")
    if name == PLAN and (target / "compiled").exists():
        raise BenchmarkFailed(f"{name} compiled something: {target / 'compiled'} exists.")
    return measured


def _folder(project: Path, kind: str, name: str) -> Path:
    return project / f"{kind}_{name.replace(' ', '_')}"


def _require_same_nodes(project: Path) -> None:
    """Both lists must name the same nodes: dbt's also has lines of its log."""
    ours = (project / "elt_ls.out").read_text().splitlines()
    theirs = set((project / "dbt_ls.out").read_text().splitlines())
    missing = [line for line in ours if line not in theirs]
    if not ours or missing:
        raise BenchmarkFailed(f"elt ls names {len(missing)} nodes that dbt ls does not: {missing[:5]}")


def _interrupted(project: Path, say: Say) -> float:
    """Start a run, press Ctrl-C after some steps, and give the seconds to its end."""
    log, target = project / "interrupted.out", _folder(project, "target", PLAN)
    words = [command("elt"), "run", "--upstream", "none", "--no-ingest", "--target-path", str(target)]
    with log.open("w") as output:
        run = subprocess.Popen(words, cwd=project, env=environment(), stdout=output, stderr=subprocess.STDOUT)
    while run.poll() is None and log.read_text().count("  success  ") < STEPS_BEFORE_INTERRUPT:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    start = time.perf_counter()
    code = run.wait()
    seconds = time.perf_counter() - start
    if code != 130:  # what docs/commands.md promises of an interrupted run
        raise BenchmarkFailed(f"An interrupted run ended with {code}:\n{log.read_text()[-2000:]}")
    say(f"  interrupted: {seconds:.1f} s to the end")
    return seconds


def _building(project: Path, say: Say) -> tuple[Series, ...]:
    """Build the project with both, one after the other, once: they must end with the same statuses."""
    words = {
        BUILD: [command("dbt"), "build", "--quiet"],
        RUN: [command("elt"), "run", "--upstream", "none", "--no-ingest", "--quiet"],
    }
    series, said = [], {}
    for name, line in words.items():
        say(f"  {name}: this takes minutes")
        _seed(project, _folder(project, "target", name))
        series.append(Series(name=name, runs=(_measured(project, name, line),)))
        said[name] = statuses(_folder(project, "target", name))
        say(f"  {series[-1].seconds:.0f} s, peak {series[-1].peak_mb:.0f} MB")
    same_or_fail("statuses", said)
    return tuple(series)
