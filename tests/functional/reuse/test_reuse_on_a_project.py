"""With the real dbt and dlt: whatever is edited, loaded or undone, reuse leaves what a full build leaves.

`ELT_REUSE_STEPS=50 ELT_REUSE_SEED=3` goes on with so many drawn steps of one to three of the same things.
"""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from orchestrator.api import Command, FinishedRun, run
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, TestStep
from tests.functional.reuse.harbour import DATABASE, add, arrive, ask, write_harbour
from tests.functional.reuse.till import edit

pytestmark = pytest.mark.functional
SEED, STEPS = int(os.environ.get("ELT_REUSE_SEED", "1")), int(os.environ.get("ELT_REUSE_STEPS", "0"))

HISTORY = frozenset({"fleet_history", "logbook", "log_size"})
"""What follows from what was there before: a new target begins without."""
LOADED = ("raw", "ext")


@dataclass
class Harbour:
    """The project in two databases: one that is run with reuse, and its twin, in which everything runs each time."""

    root: Path
    floor: int = 0
    number: int = 10
    loads: bool = True
    kept: bool = False
    ran: list[str] = field(default_factory=list)
    """What the last run with reuse built."""
    done: list[str] = field(default_factory=list)
    """What was drawn so far: a failure shows it."""

    def next(self) -> int:
        """Give a number that was not there before."""
        self.number += 1
        return self.number

    def run(self, target: str, **options: bool) -> FinishedRun:
        """Run everything in a target."""
        # Each target keeps what dbt parsed for it: in one folder they would have it parsed anew in turn.
        words = ("--target", target, "--target-path", f"target/{target}", "--vars", json.dumps({"floor": self.floor}))
        with pytest.MonkeyPatch.context() as patch:
            if target == "twin":  # what it reads is brought
                patch.setenv("HARBOUR_INGESTION", "no_ingestion")
            return run(Command(project_dir=self.root, profiles_dir=self.root, dbt_options=words, **options))

    def agrees(self, target: str = "dev", *, but: frozenset[str] = frozenset()) -> None:
        """Run with reuse in a target, and everything in the twin, and compare what both leave."""
        ours = self.run(target, skip_unchanged=True, ingest=self.loads and target == "dev")
        self.loads = False
        self.bring("twin.duckdb")
        theirs = self.run("twin", ingest=False)
        assert verdicts(ours) == verdicts(theirs)
        assert tables(self.root / f"{'harbour' if target == 'dev' else target}.duckdb", but) == tables(
            self.root / "twin.duckdb", but
        )
        self.ran = built_by(ours)

    def bring(self, database: str) -> None:
        """Give a database what is loaded into the first one."""
        with duckdb.connect(str(self.root / database)) as connection:
            connection.execute(f"attach '{self.root / DATABASE}' as dev (read_only)")
            for schema in LOADED:
                connection.execute(f"create schema if not exists {schema}")
                names = connection.execute(
                    "select table_name from duckdb_tables() where database_name = 'dev' and schema_name = ?", [schema]
                ).fetchall()
                for (name,) in names:
                    connection.execute(f"create or replace table {schema}.{name} as from dev.{schema}.{name}")


RAN = frozenset({Status.SUCCESS, Status.WARN, Status.FAIL, Status.ERROR})


def built_by(ran: FinishedRun) -> list[str]:
    """Name what was built."""
    steps = [ran.plan.by_id[outcome.step_id] for outcome in ran.outcomes if outcome.status in RAN]
    return [step.name for step in steps if isinstance(step, BuildStep)]


def verdicts(ran: FinishedRun) -> dict[str, str]:
    """Give what each step of dbt ended as, as if it had run."""
    return {
        outcome.step_id: outcome.tool_word if outcome.status is Status.REUSED else dbt_word(outcome)
        for outcome in ran.outcomes
        if isinstance(ran.plan.by_id[outcome.step_id], BuildStep | TestStep)
    }


def dbt_word(outcome: Outcome) -> str:
    return outcome.tool_word or outcome.status.value


def tables(database: Path, but: frozenset[str]) -> dict[str, list[tuple[object, ...]]]:
    """Give the rows of everything that dbt built; what a snapshot and a load write of times and ids aside."""
    with duckdb.connect(str(database)) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        kept = {}
        for (name,) in names:
            hidden = "exclude (dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to)" if "history" in name else ""
            if name not in but:
                kept[name] = sorted(connection.execute(f"select * {hidden} from {name}").fetchall(), key=repr)
        return kept


def new_code(it: Harbour) -> None:
    edit(it.root, "models/by_port.sql", "sum(f.fee", f"{it.next()} + sum(f.fee")


def new_comment(it: Harbour) -> None:
    edit(it.root, "models/stg_ships.sql", "-- ", f"-- {it.next()}, ")


def new_macro(it: Harbour) -> None:
    edit(it.root, "macros/fee.sql", "* 10", f"* 10 + {it.next()}")


def new_var(it: Harbour) -> None:
    it.floor = 6 - it.floor


def new_rate(it: Harbour) -> None:
    edit(it.root, "seeds/rates.csv", "B,", f"B{it.next()},1\nB,")


def new_ship(it: Harbour) -> None:
    add(it.root, "ships", {"id": it.next(), "port": "A", "tons": 20})
    it.loads = True


def other_ports(it: Harbour) -> None:
    add(it.root, "ports", {"code": f"P{it.next()}", "name": "Porto"})
    it.loads = True


def same_ports(it: Harbour) -> None:
    file = it.root / "data/ports.json"
    file.write_text(json.dumps(json.loads(file.read_text())[::-1]))
    it.loads = True


def late_arrival(it: Harbour) -> None:
    arrive(it.root, 1, it.next())


def failing_test(it: Harbour) -> None:
    edit(it.root, "models/models.yml", "most: 90", "most: 1")


def mended_test(it: Harbour) -> None:
    text = (it.root / "models/models.yml").read_text()
    (it.root / "models/models.yml").write_text(text.replace("most: 1}", "most: 90}"))


def dropped_table(it: Harbour) -> None:
    ask(it.root, "drop table if exists fleet")


def keep(it: Harbour) -> None:
    it.kept = True
    for name in (DATABASE, "twin.duckdb"):
        shutil.copy(it.root / name, it.root / f"{name}.kept")


def put_back(it: Harbour) -> None:
    if it.kept:
        for name in (DATABASE, "twin.duckdb"):
            shutil.copy(it.root / f"{name}.kept", it.root / name)


Edit = Callable[[Harbour], None]
EDITS: tuple[Edit, ...] = (
    *(new_code, new_comment, new_macro, new_var, new_rate, new_ship, other_ports, same_ports, late_arrival),
    *(failing_test, mended_test, dropped_table, keep, put_back),
)


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    """A project that was run in both databases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
        it = Harbour(write_harbour(tmp_path_factory.mktemp("harbour")))
        it.agrees()
        yield it


BELOW_FLEET = ["fleet", "logbook", "log_size", "by_port", "fleet_history"]
"""A view is rebuilt only where a definition, or the columns that it shows, changed."""
SEQUENCE: tuple[tuple[tuple[Edit, ...], list[str]], ...] = (
    ((keep, new_comment, same_ports), []),
    ((new_macro, late_arrival, new_ship), [*BELOW_FLEET, "top_ports", "arrivals_by_day"]),
    ((failing_test, new_rate), ["fleet", "rates"]),
    ((mended_test, dropped_table), ["fleet", "by_port", "top_ports"]),
    ((put_back,), [*BELOW_FLEET, "rates", "top_ports"]),
)


@pytest.mark.timeout(300 + 60 * STEPS)
def test_reuse_leaves_what_a_full_build_leaves(harbour):
    """After each thing that is done, and only what it can have changed is built."""
    for edits, built in SEQUENCE:
        for one in edits:
            one(harbour)
        harbour.agrees()
        assert set(harbour.ran) == set(built), edits
    drawn = random.Random(SEED)
    for _ in range(STEPS):
        for one in drawn.choices(EDITS, k=drawn.randint(1, 3)):
            if one is not failing_test or "most: 90}" in (harbour.root / "models/models.yml").read_text():
                one(harbour)
                harbour.done.append(one.__name__)
        harbour.agrees()


def test_another_target_has_a_record_of_its_own(harbour):
    """Nothing of the first one is reused there; a second time everything is."""
    harbour.bring("other.duckdb")
    harbour.agrees("other", but=HISTORY)
    assert "fleet" in harbour.ran
    assert built_by(harbour.run("other", skip_unchanged=True, ingest=False)) == []
