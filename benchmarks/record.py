"""Measures the record of runs: what recording adds to a run, and how long `elt history` takes over many runs."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.artifacts import forget, parsed_anew, same_or_fail, statuses
from benchmarks.figures import Measured, Series, ratio
from benchmarks.layered_project import DATABASE, SCHEMA, write_project
from benchmarks.measure import BenchmarkFailed, command, measure, run_script, script

Say = Callable[[str], None]
RECORDED, UNRECORDED = "recorded", "unrecorded"
MOST_OF_RECORDING = 1.03
MOST_OF_MANY = 1.10
STORE = Path(".elt") / "history.db"
LISTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What recording adds to a run of so many models."""

    models: int
    recorded: Series
    unrecorded: Series

    @property
    def ratio(self) -> float:
        """Wall time with the record over that without."""
        return ratio(self.recorded, self.unrecorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What `elt history` takes over many runs, beside a record of few."""

    runs: int
    many: Series
    few: Series
    megabytes: float
    """The size of the record of many."""

    @property
    def ratio(self) -> float:
        """Wall time over many runs over that over few."""
        return ratio(self.many, self.few)


def measure_recording(models: int, *, rounds: int, folder: Path, say: Say) -> Recording:
    """Let the same run be recorded and not recorded in turn; both must do the same work."""
    project = folder / f"recording{models}"
    write_project(project, models)
    say(f"recording, {models} models with {2 * models} tests: warming up")
    _round(project, is_warm=False)
    measured = []
    for number in range(rounds):
        measured.append(_round(project, is_warm=True))
        shown = ", ".join(f"{name} {run.seconds:.2f} s" for name, run in measured[-1].items())
        say(f"  round {number + 1} of {rounds}: {shown}")
    recorded, unrecorded = (
        Series(name=name, runs=tuple(one[name] for one in measured)) for name in (RECORDED, UNRECORDED)
    )
    return Recording(models=models, recorded=recorded, unrecorded=unrecorded)


def _round(project: Path, *, is_warm: bool) -> dict[str, Measured]:
    measured, said, rows = {}, {}, {}
    for name in (RECORDED, UNRECORDED):
        target, logs = project / f"target_{name}", project / f"logs_{name}"
        forget(target)
        shutil.rmtree(logs, ignore_errors=True)
        words = [*script("run_elt"), name, "run", "--upstream", "none", "--no-ingest"]
        words += ["--target-path", str(target), "--log-path", str(logs)]
        measured[name] = measure(words, folder=project, log=project / f"{name}.out")
        if is_warm and parsed_anew(logs):
            raise BenchmarkFailed(f"{name} parsed the whole project again; its parse was to be warm.")
        said[name] = statuses(target)
        rows[name] = json.loads(run_script("row_counts", DATABASE, SCHEMA, "--empty", folder=project))
    same_or_fail("statuses", said)
    same_or_fail("row counts", rows)
    return measured


def measure_listing(runs: int, *, rounds: int, folder: Path, say: Say) -> Listing:
    """Record a run of ten models, make many of it, and list the newest of them beside a record of few."""
    project = folder / "listing"
    write_project(project, 10)
    say(f"history of {runs} runs: making it")
    measure([command("elt"), "run", "--no-ingest"], folder=project, log=project / "run.out")
    places = {"many": project / "many", "few": project / "few"}
    for (name, place), count in zip(places.items(), (runs, LISTED), strict=True):
        write_project(place, 10)
        (place / STORE).parent.mkdir()
        run_script("fill_history", str(project / STORE), str(place / STORE), str(count), folder=project)
        _require_light(place, name)
    measured: list[dict[str, Measured]] = []
    for number in range(rounds + 1):
        measured.append({name: _listed(place) for name, place in places.items()})
        shown = ", ".join(f"{name} {run.seconds:.2f} s" for name, run in measured[-1].items())
        say(f"  round {number} of {rounds}: {shown}")
    many, few = (Series(name=name, runs=tuple(one[name] for one in measured[1:])) for name in places)
    size = (places["many"] / STORE).stat().st_size / 1024**2
    return Listing(runs=runs, many=many, few=few, megabytes=size)


def _listed(place: Path) -> Measured:
    log = place / "history.out"
    measured = measure([command("elt"), "history", "--json", "--limit", str(LISTED)], folder=place, log=log)
    listed = [json.loads(line) for line in log.read_text().splitlines()]
    if len(listed) != LISTED or any(run["status"] != "success" for run in listed):
        raise BenchmarkFailed(f"elt history listed {len(listed)} runs instead of {LISTED} that ended well.")
    return measured


def _require_light(place: Path, name: str) -> None:
    """The list must come without dbt, dlt or great-expectations being imported."""
    loaded = run_script("loaded_by", "history", folder=place).split()
    if heavy := {"dbt", "dlt", "great_expectations"} & set(loaded):
        raise BenchmarkFailed(f"elt history over {name} runs imports {', '.join(sorted(heavy))}.")
