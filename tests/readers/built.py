"""Projects that elt has built from the command line, and what it said of each step while it did."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]
EVERYTHING = ROOT / "tests" / "projects" / "everything"
DEFECTS = ROOT / "tests" / "functional" / "dbt" / "broken"
BIN = Path(sys.executable).parent
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "NO_COLOR": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A folder in which elt has run, with what it told of the run as JSON."""

    folder: Path
    exit_code: int
    events: tuple[Mapping[str, Any], ...]

    @property
    def target(self) -> Path:
        """The folder of the artifacts as the build left them."""
        return self.folder / "target"

    def document(self, name: str) -> dict[str, Any]:
        """Read an artifact as plain JSON."""
        found: dict[str, Any] = json.loads((self.target / f"{name}.json").read_text(encoding="utf-8"))
        return found

    def steps(self) -> dict[str, Mapping[str, Any]]:
        """Give what elt told of each step of a node when it ended, by the node."""
        return {
            event["step_id"].removeprefix("freshness."): event
            for event in self.events
            if event["event"] == "step_ended" and event["kind"] != "hook"
        }

    def words(self) -> dict[str, str]:
        """Give dbt's word for how each node ended; a halted one has none of its own."""
        return {node: event["tool_word"] or event["status"] for node, event in self.steps().items()}

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database that was built."""
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as connection:
            return connection.execute(statement).fetchall()


def write(folder: Path, *, defects: bool, functions: bool) -> Path:
    """Write the project with a node of every kind; without functions for the readers that know none."""
    shutil.copytree(EVERYTHING, folder)
    shutil.copytree(EVERYTHING / "packages", folder / "dbt_packages")
    if defects:
        shutil.copytree(DEFECTS, folder, dirs_exist_ok=True)
    if not functions:
        shutil.rmtree(folder / "functions")
        (folder / "models" / "more" / "uses_function.sql").unlink()
    settings = folder / "dbt_project.yml"
    staging = "staging: {+materialized: view"
    settings.write_text(settings.read_text().replace(staging, f"{staging}, stg_events: {{+access: public}}"))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute((folder / "raw.sql").read_text())
    return folder


def build(folder: Path, *words: str) -> Built:
    """Build a project with `elt build`."""
    done = command(folder, "elt", "build", "--upstream", "none", "--no-freshness", "--json", *words)
    events = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Built(folder=folder, exit_code=done.returncode, events=events)


def command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment inside a folder."""
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=folder,
        env={**os.environ, **QUIET, **environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
