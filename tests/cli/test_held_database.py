"""`elt plan`, `elt ls` and `elt explain` while another process holds the database file."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestrator.cli.main import run_command_line
from tests.cli.conftest import ended, start
from tests.cli.test_bad_configuration import suite
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
AT_ONCE = 20
"""Seconds; less than the minute for which a run waits."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A shop that was built once, with a suite."""
    folder = write_shop(tmp_path_factory.mktemp("shop"), {"expectations/fct_orders.json": suite("fct_orders")})
    assert run_command_line(["run", "--quiet", "--exclude", "expectation:*", "--project-dir", str(folder)]) == 0
    return folder


@contextmanager
def holding(shop: Path) -> Iterator[subprocess.Popen]:
    """Hold the database in another process, as a notebook does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, shop / "shop.duckdb"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.stdin.close()


def acts(said) -> dict[str, dict]:
    """Return the decision on each step of a plan that was written as JSON."""
    assert said.code == 0, said.err
    return {step["name"]: step["decision"] for step in json.loads(said.out)["steps"]}


def test_a_plan_answers_at_once_and_names_the_process_that_owns_the_database(elt, shop):
    """The first line has the process and its command; what the record says is shown, and reuses nothing."""
    with holding(shop) as holder:
        began = time.monotonic()
        said = elt("plan", "--select", "fct_orders", "--exclude", "expectation:*", project=shop)
        assert time.monotonic() - began < AT_ONCE
    said.reports(f"{shop}/shop.duckdb is locked by process {holder.pid} ({sys.executable} -c", code=0)
    assert "locked by" in said.out.splitlines()[0]
    assert "the run decides that" in said.out
    assert "needed by fct_orders; unconfirmed, by the record: reused, nothing changed since run" in said.out
    assert ", 10 unconfirmed, into" in said.out
    assert said.err == ""


def test_a_json_plan_shows_what_is_unconfirmed(elt, shop):
    """In a field of the plan, and for each step; what was named is certain to run."""
    words = ("plan", "--json", "--select", "fct_orders", "--exclude", "expectation:*")
    with holding(shop) as holder:
        said = elt(*words, project=shop)
    held = json.loads(said.out)["unconfirmed"]
    assert (held["reason"], held["database"]) == ("database_locked", f"{shop}/shop.duckdb")
    assert held["locked_by"]["pid"] == holder.pid
    found = acts(said)
    assert found["fct_orders"]["act"] == "run"
    assert (found["stg_orders"]["act"], found["stg_orders"]["likely"]) == ("unconfirmed", "reuse")
    assert not {"reuse", "if_changed"} & {one["act"] for one in found.values()}

    free = elt(*words, project=shop)
    assert json.loads(free.out)["unconfirmed"] is None
    assert acts(free)["stg_orders"]["act"] == "reuse"


def test_project_changes_are_shown_without_the_database(elt, tmp_path):
    """The model whose code changed and what is below it are expected to run, the others to be reused."""
    shop = write_shop(tmp_path)
    elt("run", "--quiet", project=shop)
    model = shop / "models/staging/stg_orders.sql"
    model.write_text(model.read_text().replace("amount", "amount + 0 as amount"))
    with holding(shop):
        found = acts(elt("plan", "--json", "--skip-unchanged", project=shop))
    assert {one["act"] for one in found.values()} == {"unconfirmed"}
    assert (found["stg_orders"]["likely"], found["stg_orders"]["words"]) == (
        "run",
        "code changed: models/staging/stg_orders.sql",
    )
    assert found["fct_orders"]["likely"] == "run"
    assert found["stg_customers"]["likely"] == "reuse"


def test_a_test_whose_parent_may_be_missing_stays_in_the_plan_as_unconfirmed(elt, tmp_path):
    """Without the holder it is left out, because its other parent was never built."""
    shop = write_shop(tmp_path)
    words = ("plan", "--json", "--select", "stg_orders")
    with holding(shop):
        found = acts(elt(*words, project=shop))
    [decision] = [one for name, one in found.items() if name.startswith("relationships")]
    assert (decision["act"], decision["likely"]) == ("unconfirmed", "run")
    assert decision["words"] == "if stg_customers exists"
    said = elt(*words, project=shop)
    assert [one["reason"] for one in json.loads(said.out)["left_out"]] == ["parent_not_built"]


def test_explain_answers_without_the_database(elt, shop):
    """What only the database tells is marked as not read; the decision is unconfirmed."""
    with holding(shop) as holder:
        told = elt("explain", "stg_orders", project=shop)
        found = json.loads(elt("explain", "stg_orders", "--json", project=shop).out)
    told.reports(f"locked by process {holder.pid}", "unconfirmed, by the record: reused, nothing changed", code=0)
    assert "only the database can tell" in told.out
    assert (found["verdict"], found["changes"], found["decision"]["act"]) == ("same", [], "unconfirmed")
    assert found["unconfirmed"]["locked_by"]["pid"] == holder.pid
    unread = [part for part in found["parts"] if not part["read"]]
    assert unread
    assert all(part["now"] is None for part in unread)
    free = json.loads(elt("explain", "stg_orders", "--json", project=shop).out)
    assert free["unconfirmed"] is None
    assert all(part["read"] for part in free["parts"])


def test_ls_never_opens_the_database(elt, shop, monkeypatch):
    """Neither for what dbt selects nor for what it does not know."""

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("the database was opened")

    monkeypatch.setattr(duckdb, "connect", refuse)
    elt("ls", "--select", "+fct_orders", project=shop).reports("shop.marts.fct_orders", code=0)
    elt("ls", "--select", "expectation:*", project=shop).reports("fct_orders", code=0)


def test_a_plan_waits_if_it_is_asked_to(elt, shop):
    """With --lock-timeout it tells that it waits; when the time has passed it does without the database."""
    with holding(shop):
        said = elt("plan", "--skip-unchanged", "--lock-timeout", "0.3", "--exclude", "expectation:*", project=shop)
    said.reports("unconfirmed", code=0)
    assert "waiting    up to 0.3 s" in said.err
    with holding(shop) as holder:
        plan = start("plan", "--skip-unchanged", "--lock-timeout", "60", "--exclude", "expectation:*", project=shop)
        assert f"locked by process {holder.pid}" in plan.stderr.readline()
        holder.stdin.close()
        assert "unconfirmed" not in ended(plan).out


def test_a_run_waits_once_for_a_held_database(elt, shop):
    """However many parts of it ask for the database."""
    with holding(shop):
        said = elt("run", "--lock-timeout", "0.3", "--exclude", "expectation:*", "--no-ingest", project=shop)
    said.refuses("waited 0.3 s for it")
    assert (said.out + said.err).count("up to 0.3 s") == 1


def test_a_plan_answers_while_a_run_is_in_progress(elt, tmp_path):
    """A run that works in the same target holds the file; it ends as it would have."""
    go_on = tmp_path / "go_on"
    slow = f"""
        import time
        from pathlib import Path

        def model(dbt, session):
            while not Path({str(go_on)!r}).exists():
                time.sleep(0.05)
            return session.sql("select 1 as one")
        """
    shop = write_shop(tmp_path, {"models/slow.py": slow})
    run = start("run", "--select", "slow", "stg_customers", project=shop)
    for line in run.stdout:
        if "stg_customers" in line and "success" in line:
            break
    said = elt("plan", "--skip-unchanged", project=shop)
    go_on.touch()
    said.reports(f"locked by process {run.pid}", code=0)
    assert ended(run).code == 0
