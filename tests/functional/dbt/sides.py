"""Runs the same project with dbt itself and with elt, and reads what each of them left behind."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import duckdb
from dbt.cli.main import dbtRunner

from orchestrator.adapters.dbt.duckdb_environment import close_environment
from orchestrator.api import Command, Ran, Upstream, Verb, run
from orchestrator.execution.events import Event, Noticed

HERE = Path(__file__).parent
EVERYTHING, BROKEN = HERE / "everything", HERE / "broken"
TO_THE_MICROSECOND = r"datetime\.datetime\(\d+(, \d+){6}\)"
UNSTEADY = frozenset({"timing", "thread_id", "execution_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side did in its folder."""

    folder: Path
    exit_code: int
    ran: Ran | None = None
    notices: tuple[Noticed, ...] = ()

    def document(self, name: str = "run_results") -> dict[str, Any]:
        """Read an artifact."""
        found: dict[str, Any] = json.loads((self.folder / "target" / f"{name}.json").read_text())
        return found

    def records(self, name: str = "run_results") -> dict[str, dict[str, Any]]:
        """Read the entries of an artifact by their node."""
        return {record["unique_id"]: record for record in self.document(name)["results"]}

    def words(self) -> dict[str, str]:
        """Read dbt's status of each node."""
        return {unique_id: record["status"] for unique_id, record in self.records().items()}

    def tables(self) -> dict[str, list[str]]:
        """Read the rows of every table and view; hashes and times of a snapshot are left out."""
        skipped = "dbt_scd_id|dbt_updated_at|dbt_valid_from|loaded_at"
        with duckdb.connect(str(self.folder / "everything.duckdb")) as connection:
            names = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
            return {
                f"{schema}.{name}": sorted(
                    re.sub(TO_THE_MICROSECOND, "a time of the run", str(row))
                    for row in connection.execute(
                        f'select columns(lambda c: not regexp_matches(c, \'^({skipped})$\')) from "{schema}"."{name}"'
                    ).fetchall()
                )
                for schema, name in names
            }

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with duckdb.connect(str(self.folder / "everything.duckdb")) as connection:
            return connection.execute(statement).fetchall()


class Sides(NamedTuple):
    """The same project, run by each side."""

    dbt: Side
    elt: Side
    everything_upstream: Side


@dataclass(slots=True)
class Ear:
    """A listener that keeps the notices."""

    notices: list[Noticed] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Keep a notice."""
        if isinstance(event, Noticed):
            self.notices.append(event)


def write_project(folder: Path, *more: Path) -> Path:
    """Write the project `everything`, with the files of other folders laid over it, and its raw tables."""
    for source in (EVERYTHING, *more):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    shutil.copytree(EVERYTHING / "packages", folder / "dbt_packages")
    with duckdb.connect(str(folder / "everything.duckdb")) as connection:
        connection.execute((folder / "raw.sql").read_text())
    return folder


def copied(project: Path, folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Copy a project with what was parsed of it, and change, add or (None) remove some files."""
    shutil.copytree(project, folder)
    for name, text in (changes or {}).items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(dedent(text).lstrip())
    return folder


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def dbt(folder: Path, *words: str) -> Side:
    """Run a dbt command with dbt itself."""
    with inside(folder):
        answer = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", *words])
        close_environment()
    exit_code = 2 if answer.exception else int(not answer.success)
    return Side(folder=folder, exit_code=exit_code)


def dbt_lines(folder: Path, *words: str) -> list[str]:
    """List nodes with dbt itself."""
    with inside(folder):
        answer = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "ls", *words])
        close_environment()
    assert answer.success, answer.exception
    return sorted(answer.result)


def elt(
    folder: Path,
    *options: str,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    upstream: Upstream = Upstream.NONE,
    verb: Verb = Verb.BUILD,
    freshness: bool = False,
) -> Side:
    """Run the project with elt, as `dbt build` would run it: without ingestion and, unless asked, freshness."""
    ear = Ear()
    command = Command(
        verb=verb,
        project_dir=folder,
        profiles_dir=folder,
        dbt_options=options,
        select=tuple(select),
        exclude=tuple(exclude),
        has_selector="--selector" in options,
        upstream=upstream,
        ingest=False,
        freshness=freshness,
    )
    ran = run(command, [ear])
    return Side(folder=folder, exit_code=int(ran.exit_code), ran=ran, notices=tuple(ear.notices))


def steady(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what two runs of the same node must agree on: all but times; of those only whether they are there."""
    found = {name: value for name, value in record.items() if name not in UNSTEADY}
    found["timing"] = [timing["name"] for timing in record["timing"] if timing["completed_at"]]
    found["ran_on_a_thread"] = bool(record["thread_id"])
    return found
