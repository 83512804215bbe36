"""With the real dbt: what is reused is built again beside the existing table; a difference is an error."""

import json
from pathlib import Path

import pytest

from orchestrator.api import Command, FinishedRun, run
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.plan.status import Status
from tests.functional.reuse.stall import ask, write_stall

pytestmark = pytest.mark.functional
LEFT = "create schema _elt_verify_0123abcd; create table _elt_verify_0123abcd.t as select 1 as a"
SCHEMAS = "select distinct schema_name from duckdb_schemas() where database_name = 'stall' and not internal"
WRITTEN = ("target/compiled/stall/models/prices.sql", "target/run/stall/models/prices.sql")


@pytest.fixture(scope="module")
def stall(tmp_path_factory) -> Path:
    """A project that was run; then what `stray` reads without ref(), and rows of `prices`, were changed by hand."""
    root = write_stall(tmp_path_factory.mktemp("stall"))
    run_of(root)
    ask(root, "update outside set tax = 9 where code = 'B'; insert into prices values ('C', 1, 1)")
    ask(root, LEFT)
    return root


def run_of(root: Path, **options: object) -> FinishedRun:
    """Run what changed."""
    return run(Command(project_dir=root, profiles_dir=root, skip_unchanged=True, **options))


@pytest.fixture(scope="module")
def verified(stall) -> tuple[FinishedRun, dict[str, Outcome]]:
    """A run that verified all, and what each of its steps ended as."""
    before = [(stall / name).read_text() for name in WRITTEN]
    ran = run_of(stall, verify_reuse=1.0)
    assert [(stall / name).read_text() for name in WRITTEN] == before
    return ran, ended(ran)


def ended(ran: FinishedRun) -> dict[str, Outcome]:
    """Give the outcomes by name."""
    return {ran.plan.by_id[outcome.step_id].name: outcome for outcome in ran.outcomes}


def test_a_relation_equal_to_its_shadow_build_is_reused_and_reported_as_verified(verified):
    """Seeds, SQL and Python; passed over is what has a hook of its own, or may be another thing each time."""
    _, steps = verified
    codes = {name: outcome.reason.code for name, outcome in steps.items() if outcome.status is Status.REUSED}
    yes, not_looked_at = ReasonCode.VERIFIED, ReasonCode.UNCHANGED
    assert codes == {"rates": yes, "doubled": yes, "marked": not_looked_at, "stamped": not_looked_at}
    assert "verified: built again beside it, 2 rows, the same" in steps["doubled"].message
    assert steps["doubled"].tool_word == "success"


def test_a_difference_is_an_error_that_says_how_and_what_may_have_been_missed(verified):
    """It halts what is below it, and is an error to dbt's readers too."""
    ran, steps = verified
    assert {name for name, outcome in steps.items() if outcome.reason.code is ReasonCode.DIFFERS} == {"stray"}
    assert (steps["below_stray"].status, steps["below_stray"].reason.blame) == (Status.SKIPPED, "model.stall.stray")
    assert ran.exit_code == 1
    said = steps["stray"].message
    for part in ("stray (models/stray.sql)", "other values in the columns tax", "main.outside, which it reads without"):
        assert part in said


def test_rows_that_were_changed_by_hand_are_seen_without_verifying(verified):
    """The table is rebuilt: its content is not what was recorded with its build."""
    _, steps = verified
    assert steps["prices"].status is Status.SUCCESS


def test_nothing_of_it_remains(stall, verified):
    """Not even of a verification that was killed; what stands stays, and dbt's artifacts know nothing of it."""
    assert ask(stall, SCHEMAS) == [("_elt",)]
    assert ask(stall, "select count(*) from prices") == [(2,)]
    assert ask(stall, "from seen") == [("marked",)]
    results = json.loads((stall / "target/run_results.json").read_text())["results"]
    status = {result["unique_id"].split(".")[2]: result["status"] for result in results}
    assert (status["stray"], status["rates"], status["below_stray"]) == ("error", "success", "skipped")
    files = [file for file in (stall / "target").rglob("*") if file.suffix in {".json", ".sql", ".py"}]
    assert [file.name for file in files if "_elt_verify" in file.read_text()] == []


def test_the_next_run_builds_what_was_wrong_and_what_was_built_on_it(stall, verified):
    """Also one that knows the target alone, whose markers no longer vouch for it; then all is verified."""
    (stall / ".elt/history.db").rename(stall / ".elt/gone.db")
    ran = run_of(stall, verify_reuse=1.0)
    steps = ended(ran)
    built = {name for name, outcome in steps.items() if outcome.status is Status.SUCCESS}
    assert built == {"on-run-start", "stray", "prices", "below_stray"}, "what prices calls in the database is not known"
    assert steps["rates"].reason.code is ReasonCode.VERIFIED
    assert ask(stall, "select tax from stray order by 1") == [(1,), (9,)]
