"""Runs the same project with dbt itself and with elt, and reads what each of them left behind."""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner
from dbt.deprecations import reset_deprecations

from orchestrator.adapters.dbt.bridge.access import close_environment
from orchestrator.api import Command, FinishedRun, Upstream, Verb, run
from orchestrator.errors import EltError
from orchestrator.execution.events import Event, Noticed
from tests.agreement.places import inside
from tests.agreement.projects import WAREHOUSE

TO_THE_MICROSECOND = r"datetime\.datetime\(\d+(, \d+){6}(, tzinfo=[^)]*\)?)?\)"
_LEFT_BEHIND = re.compile(r"__dbt_tmp\d+$")  # of an incremental Python model: named by the time
PARSED = Path("target") / "partial_parse.msgpack"
UNSTEADY = frozenset({"timing", "thread_id", "execution_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side did in its folder."""

    folder: Path
    exit_code: int
    trouble: str = ""
    """What kept the whole run from starting, or ended it."""
    ran: FinishedRun | None = None
    notices: tuple[Noticed, ...] = ()

    def document(self, name: str = "run_results") -> dict[str, Any]:
        """Read an artifact."""
        found: dict[str, Any] = json.loads((self.folder / "target" / f"{name}.json").read_text())
        return found

    def records(self, name: str = "run_results") -> dict[str, dict[str, Any]]:
        """Read the entries of an artifact by their node; none when it was not written."""
        if not (self.folder / "target" / f"{name}.json").exists():
            return {}
        return {record["unique_id"]: record for record in self.document(name)["results"]}

    def words(self) -> dict[str, str]:
        """Read dbt's status of each node."""
        return {unique_id: record["status"] for unique_id, record in self.records().items()}

    def tables(self) -> dict[str, list[str]]:
        """Read the rows of every table and view but elt's own, those of the attached databases too.

        Hashes and times of a snapshot are left out. A view that cannot be read, because what it reads is gone, is
        there with that message.
        """
        with inside(self.folder), duckdb.connect(WAREHOUSE) as connection:
            own = Path(WAREHOUSE).stem
            for path in Path().glob("*.duckdb"):
                if path.stem != own:
                    connection.execute(f"attach '{path}' as \"{path.stem}\" (read_only)")
            names = connection.execute(
                "select table_catalog, table_schema, table_name from information_schema.tables"
                " where table_schema <> '_elt'"  # declared: what stands is recorded in the target
            ).fetchall()
            return {
                f"{'' if catalog == own else f'{catalog}.'}{schema}.{_LEFT_BEHIND.sub('__dbt_tmp', name)}": _rows(
                    connection, catalog, schema, name
                )
                for catalog, schema, name in names
            }

    def files(self) -> dict[str, bytes]:
        """Read the files that models wrote outside the warehouse: CSV as it is, Parquet and JSON by their rows."""
        kept = {}
        for path in sorted(self.folder.rglob("*")):
            file = path.relative_to(self.folder)
            name = str(file)
            if file.parts[0] in {"target", "logs", "dbt_packages", "state", ".elt"}:
                continue
            if path.suffix in {".csv", ".json"}:
                kept[name] = path.read_bytes()
            elif path.suffix == ".parquet":
                kept[name] = _parquet(path)
        return kept

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with inside(self.folder), duckdb.connect(WAREHOUSE) as connection:
            return connection.execute(statement).fetchall()


@dataclass(slots=True)
class Ear:
    """A listener that keeps the notices."""

    notices: list[Noticed] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Keep a notice."""
        if isinstance(event, Noticed):
            self.notices.append(event)


def dbt(folder: Path, *words: str) -> Side:
    """Run a dbt command with dbt itself; its exit code is the one that the command line would give."""
    reset_deprecations()  # told once a process; each call here stands for one of its own
    with inside(folder), redirect_stdout(StringIO()):  # its log on the terminal is not ours to show
        answer = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", *words])
        close_environment()
    exit_code = 2 if answer.exception else int(not answer.success)
    return Side(folder=folder, exit_code=exit_code, trouble=str(answer.exception or ""))


def elt(
    folder: Path,
    *options: str,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    upstream: Upstream = Upstream.NONE,
    verb: Verb = Verb.BUILD,
    freshness: bool = False,
    skip_unchanged: bool = False,
    plain: bool | None = None,
) -> Side:
    """Run the project with elt, as `dbt build` would run it: without ingestion and, unless asked, freshness.

    `plain` as for `elt run --plain`; by default, as the variable ELT_AGREEMENT_PLAIN says.
    """
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
        skip_unchanged=skip_unchanged,
        plain="ELT_AGREEMENT_PLAIN" in os.environ if plain is None else plain,
    )
    try:
        with inside(folder):
            ran = run(command, [ear])
    except EltError as error:
        return Side(folder=folder, exit_code=error.exit_code, trouble=str(error), notices=tuple(ear.notices))
    return Side(folder=folder, exit_code=int(ran.exit_code), ran=ran, notices=tuple(ear.notices))


def in_one_place(*acts: tuple[Path, Callable[[Path], Side]]) -> tuple[Side, ...]:
    """Run sides one after another where the others run too: each begins with what the one before it parsed.

    What dbt parsed names the folder in which it did, so each folder has the same name while its side runs.
    """
    sides: list[Side] = []
    for folder, act in acts:
        if sides and (parsed := sides[-1].folder / PARSED).exists():
            shutil.copy(parsed, folder / PARSED)
        place = folder.rename(folder.with_name("one-place"))
        try:
            sides.append(replace(act(place), folder=folder))
        finally:
            place.rename(folder)
    return tuple(sides)


def steady(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what two runs of the same node must agree on: all but times; of those only whether they are there."""
    found = {name: value for name, value in record.items() if name not in UNSTEADY}
    found["timing"] = [timing["name"] for timing in record["timing"] if timing["completed_at"]]
    found["ran_on_a_thread"] = bool(record["thread_id"])
    return found


def _parquet(path: Path) -> bytes:
    with duckdb.connect() as connection:
        try:
            rows = connection.execute("select * from read_parquet(?)", [str(path)]).fetchall()
        except duckdb.Error:  # a defect wrote it
            return path.read_bytes()
    return "\n".join(sorted(map(str, rows))).encode()


def _rows(connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, name: str) -> list[str]:
    relation = ".".join('"' + part.replace('"', '""') + '"' for part in (catalog, schema, name))
    unsteady = r"^(dbt_scd_id|dbt_updated_at|dbt_valid_from|loaded_at)$"
    try:
        rows = connection.execute(
            f"select columns(lambda c: not regexp_matches(c, '{unsteady}')) from {relation}"
        ).fetchall()
    except duckdb.Error as error:
        return [f"cannot be read: {str(error).splitlines()[0]}"]
    return sorted(re.sub(TO_THE_MICROSECOND, "a time of the run", str(row)) for row in rows)
