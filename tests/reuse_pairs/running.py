"""Runs a pair: the project, its edit, the run that reuses, the full run beside it; and compares what both leave."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.functional.postgres.server import Server, running_server
from tests.reuse_pairs.drawing import Pair
from tests.reuse_pairs.parts import DUCKDB
from tests.reuse_pairs.warehouses import FILE, DuckDb, Postgres, copy_project
from tests.warm_starts import WarmStart

LONGEST = 120
SHARED = {
    "tests/generic/shared.sql": "{% test at_most(model, most) %}\n"
    "select n from (select count(*) as n from {{ model }}) q where n > {{ most }}\n{% endtest %}\n"
    "{% test no_value(model, value) %}\n"
    "select v from {{ model }} where cast(v as varchar) like '%{{ value }}%'\n{% endtest %}\n",
    "ingestion/README.md": "Sources of dlt.\n",
}
QUIET = {
    "NO_COLOR": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "PYTHONWARNINGS": "ignore",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of a step of dbt or great-expectations."""

    name: str
    kind: str
    status: str
    """`ok`, `warn`, `fail`, `error` or `skipped`: of a reused step what it was when it ran."""
    reused: bool
    message: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one call of `elt run` ended with."""

    exit_code: int
    steps: Mapping[str, Step]
    said: str

    @property
    def is_void(self) -> bool:
        """Return whether it ended before its first step."""
        return not self.steps


@dataclass(frozen=True)
class Bench:
    """A project in a folder, with its database and the variables of its environment."""

    root: Path
    warehouse: DuckDb | Postgres
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        """Write a file; line ends stay what they are."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, newline="")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a file, which must be in it."""
        text = (self.root / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def remove(self, name: str) -> None:
        """Delete a file."""
        (self.root / name).unlink()

    def sql(self, statement: str) -> None:
        """Run statements in the database."""
        self.warehouse.sql(statement)

    def elt(self, *words: str) -> tuple[int, str, str]:
        """Run `elt` in the project; return its exit code, output and errors."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PAIRS_", "DBT_"))},
            **QUIET,
            **self.warehouse.environment(),
            **self.variables,
            "DLT_DATA_DIR": str(self.root / ".dlt-data"),
        }
        with WarmStart(
            list(words), cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            out, err = process.communicate(LONGEST)
        return process.returncode or 0, out or "", err or ""

    def run(self, *words: str) -> Run:
        """Run `elt run` and read what became of each step."""
        code, out, err = self.elt("run", "--json", *words)
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        parents = {
            step["id"]: tuple(step["parents"])
            for event in events
            if event["event"] == "run_started"
            for step in event["plan"]["steps"]
        }
        steps = {
            event["step_id"]: Step(
                name=event["name"],
                kind=event["kind"],
                status=_word(event),
                reused=event["status"] == "reused",
                message=event.get("message") or "",
                parents=parents.get(event["step_id"], ()),
            )
            for event in events
            if event["event"] == "step_ended" and event["kind"] not in {"ingest", "freshness", "hook"}
        }
        return Run(exit_code=code, steps=steps, said=err[-2000:])


def _word(event: Mapping[str, object]) -> str:
    word = str(event["tool_word"] if event["status"] == "reused" else event["status"])
    return "ok" if word in {"success", "pass", "no-op"} else word


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a pair showed."""

    pair: Pair
    found: tuple[str, ...]
    """The differences: none where reuse left what a full run leaves."""
    void: str = ""
    """Why nothing could be compared, if so."""
    steps: int = 0
    reused: int = 0


class Places:
    """Folders and databases for pairs; the PostgreSQL server is started when the first pair needs it."""

    def __init__(self, root: Path) -> None:
        """Keep everything under a folder."""
        self.root = root
        self._numbers = count(1)
        self._stack = ExitStack()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def make(self, pair: Pair) -> Bench:
        """Write the project of a pair into a new folder, and make its database."""
        root = self.root / f"pair-{pair.seed}-{pair.number}-{next(self._numbers)}" / "project"
        root.mkdir(parents=True)
        warehouse: DuckDb | Postgres = DuckDb(root)
        if pair.adapter != DUCKDB:
            self._server = self._server or self._stack.enter_context(running_server())
            warehouse = Postgres(self._server, f"pair_{pair.number}_{next(self._numbers)}")
            self._server.rows(f"create database {warehouse.name}")
        bench = Bench(root, warehouse)
        for name, text in project_files(pair).items():
            bench.write(name, text)
        bench.sql("create schema ext")
        for statement in (statement for drawn in pair.drawn for statement in drawn.part.ddl):
            bench.sql(statement)
        return bench


def project_files(pair: Pair) -> dict[str, str]:
    """Return the text of every file of a project before its edit."""
    project: dict[str, object] = {"name": "pairs", "version": "1.0", "profile": "pairs", "config-version": 2}
    output: dict[str, object] = {"type": "duckdb", "path": FILE, "threads": 2}
    if pair.adapter != DUCKDB:
        output = {
            "type": "postgres",
            "host": "{{ env_var('PAIRS_HOST') }}",
            "port": "{{ env_var('PAIRS_PORT') | as_number }}",
            "user": "postgres",
            "pass": "{{ env_var('PAIRS_PASSWORD') }}",
            "dbname": "{{ env_var('PAIRS_DATABASE') }}",
            "schema": "analytics",
            "threads": 2,
        }
    files = {**SHARED, **pair.files}
    for drawn in pair.drawn:
        files.update(drawn.part.files)
        project = _merged(project, drawn.part.project)
        output = _merged(output, drawn.part.profile)
    profiles = {"pairs": {"target": "dev", "outputs": {"dev": output, "twin": output}}}
    dump = yaml.SafeDumper
    dump.ignore_aliases = lambda *_: True  # each target is written out, so that an edit meets both
    files["dbt_project.yml"] = yaml.dump(project, sort_keys=False, Dumper=dump, width=1000)
    files["profiles.yml"] = yaml.dump(profiles, sort_keys=False, Dumper=dump, width=1000)
    return files


def _merged(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    merged = dict(one)
    for key, value in other.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _merged(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            merged[key] = [*known, *value]
        else:
            merged[key] = value
    return merged


def words_of(pair: Pair, place: int) -> list[str]:
    """Return the options of the first run (0) or of those after the edit (1)."""
    words = [word for drawn in pair.drawn for word in (drawn.part.second if place else drawn.part.first)]
    told = {name: value for drawn in pair.drawn for name, value in drawn.part.vars[place].items()}
    return [*words, "--vars", json.dumps(told)] if told else words


def run_pair(pair: Pair, places: Places, *, keep: bool = False, control: bool = False) -> Verdict:
    """Run a pair and return what it showed."""
    from tests.reuse_pairs.comparing import Sides, compare

    ours = places.make(pair)
    folder = ours.root.parent
    ours.variables.update(_environment(pair, 0))
    first = ours.run(*words_of(pair, 0))
    if first.is_void or first.exit_code:
        return Verdict(pair=pair, found=(), void=f"the first run ended with {first.exit_code}: {_why(first)}")
    for drawn in pair.edits:
        drawn.part.edit(ours)
    copy_project(ours.root, folder / "full")
    full = Bench(folder / "full", ours.warehouse.copied(folder / "full"), _environment(pair, 1))
    ours.variables.clear()
    ours.variables.update(_environment(pair, 1))
    verdict = compare(Sides(pair=pair, ours=ours, full=full, control=control), words_of(pair, 1))
    for bench in (ours, full):
        bench.warehouse.dropped()
    if not keep:
        shutil.rmtree(folder)
    return verdict


def _environment(pair: Pair, place: int) -> dict[str, str]:
    return {name: value for drawn in pair.drawn for name, value in drawn.part.environment[place].items()}


def _why(run: Run) -> str:
    broken = [f"{step.name}: {step.message}" for step in run.steps.values() if step.status in {"error", "fail"}]
    return " | ".join(broken) or run.said
