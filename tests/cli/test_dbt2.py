"""A project is run by dbt 2.x: real processes, builds, failures and interruptions, by a stand-in with its manners."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.test_light_start import PROBE
from tests.cli.conftest import start
from tests.cli.recorded_dbt2 import endings, finished, steps_of
from tests.functional.dbt2.stand_in_projects import ALL_ENDINGS, FILES, tables, write_project, write_sources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """Let the stand-in run dbt in a process that has imported it before."""
    place = tmp_path_factory.mktemp("warm") / "socket"
    words = [sys.executable, "-m", "tests.functional.dbt2.stand_in_server", str(place)]
    server = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    os.environ["STAND_IN_SERVER"] = str(place)
    yield
    del os.environ["STAND_IN_SERVER"]
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="module")
def ran(tmp_path_factory, warm):
    """Return a project in which nodes ended in every way, and what the run said."""
    project = write_project(tmp_path_factory.mktemp("ran"), FILES, ALL_ENDINGS)
    write_sources(project)
    return project, finished(start("run", "--quiet", project=project))


def test_every_node_ends_as_with_dbt_1(ran, tmp_path):
    """The same statuses, the same halts for the same reasons, blamed on the same steps; also unit tests and gates."""
    project, said = ran
    assert said.code == 1, said.err
    other = write_project(tmp_path, FILES, ALL_ENDINGS, by_dbt_2=False)
    write_sources(other)
    assert finished(start("run", "--quiet", project=other)).code == 1
    found = endings(project)
    assert found == endings(other)
    assert found["broken"][0] == "error"
    assert found["below_broken"] == ("skipped", "upstream_halted", "model.shop.broken")
    assert found["below_failing"][0] == found["from_stale"][0] == found["miscounted"][0] == "skipped"
    assert "dbt also ran" not in said.out + said.err
    assert {found[name][0] for name in ("through", "between", "counted", "from_fresh", "board")} == {"success"}
    assert found["not_null_warned_id"][0] == "warn"


def test_the_record_has_what_dbt_said(ran):
    """Its message, its version, failing rows; but no row counts, which dbt 2.x does not report."""
    project, _ = ran
    steps = steps_of(project)
    assert 'column "no_such_column" not found' in steps["broken"]["attempts"][0]["message"]
    assert steps["unique_failing_id"]["attempts"][0]["failures"] == 1
    shown = json.loads(finished(start("show", "--json", project=project)).out)
    assert shown["versions"]["dbt"] == "2.0.0-preview.219"


def test_run_results_are_those_of_the_whole_run(ran):
    """dbt can read them: each process would have left only its own."""
    from dbt.artifacts.schemas.run import RunResultsArtifact

    project, _ = ran
    path = project / "target" / "run_results.json"
    results = RunResultsArtifact.read_and_check_versions(str(path)).results
    found = {result.unique_id.split(".")[2]: str(result.status) for result in results}
    assert found["broken"] == "error"
    assert found["below_broken"] == "skipped"
    assert found["unique_failing_id"] == "fail"
    assert found["totals"] == found["raw_orders"] == "success"


def test_nothing_holds_the_database_and_no_telemetry_is_left(ran):
    """elt itself never opens it, and statements stay out of its folder."""
    project, _ = ran
    assert {"totals", "counted", "from_fresh"} <= tables(project)
    assert not list(project.rglob("*.jsonl"))
    assert "_elt" not in {file.name for file in project.rglob("*")}


def test_a_retry_runs_what_failed_and_what_it_halted(ran):
    """With the corrected code."""
    project, _ = ran
    (project / "models" / "broken.sql").write_text("select 1 as id from {{ ref('stg_orders') }}")
    finished(start("retry", "--quiet", project=project))
    found = endings(project)
    assert found["broken"][0] == found["below_broken"][0] == "success"
    assert "totals" not in found


def test_a_selection_is_dbts(ran, elt):
    """Evaluated by `dbt ls`: a folder that is called like a model is selected too."""
    project, _ = ran
    listed = elt("ls", "--select", "+totals", "--output", "json", "--output-keys", "name", project=project)
    assert {json.loads(line)["name"] for line in listed.out.splitlines()} >= {"raw_orders", "stg_orders", "totals"}
    plan = elt("plan", "--select", "totals", "--upstream", "none", "--json", project=project)
    assert {step["name"] for step in json.loads(plan.out)["steps"]} == {"totals", "daily"}
    elt("ls", "--select", "bad:method", project=project).refuses("E040", "could not evaluate the selection")


@pytest.fixture
def shop(tmp_path, warm):
    return write_project(tmp_path, FILES)


def test_what_it_cannot_do_is_said_when_it_is_planned_and_refused_when_it_runs(shop, elt):
    """Hooks would run in every process; elt cannot open the database."""
    (shop / "dbt_project.yml").write_text((shop / "dbt_project.yml").read_text() + 'on-run-start: ["select 1"]\n')
    planned = elt("plan", project=shop)
    assert planned.code == 0
    assert "cannot run yet: dbt 2.0.0-preview.219 cannot run the on-run-start hooks once" in planned.out
    assert "experimental" in planned.out
    elt("run", project=shop).refuses("E100", "on-run-start", "dbt.command")
    assert not (shop / "shop.duckdb").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--defer"), "--defer"),
        (("run", "--skip-unchanged"), "--skip-unchanged"),
        (("run", "--verify-reuse", "5%"), "--verify-reuse"),
        (("run", "--schema-prefix", "me"), "--schema-prefix"),
        (("explain", "totals"), "explain"),
    ],
)
def test_an_option_that_needs_dbt_1_is_refused_by_name(shop, elt, words, told):
    """Not ignored."""
    elt(*words, project=shop).refuses("E100", told)


def test_nothing_is_adopted(ran, elt, tmp_path):
    """Adopting reads the database."""
    project, _ = ran
    read = {name: json.loads((project / "target" / name).read_text()) for name in ("manifest.json", "run_results.json")}
    for name, document in read.items():
        document["metadata"]["invocation_id"] = "of one build"
        (tmp_path / name).write_text(json.dumps(document))
    elt("adopt", "--state", tmp_path, project=project).refuses("E053", "only dbt 2.x opens its database", "dbt.command")


def test_a_condition_that_is_a_query_can_never_come_true(shop, elt):
    """elt has no connection to ask it on."""
    elt("run", "--wait-for", "sql:select 1", project=shop).refuses("E066", "query of a condition")


def test_a_program_that_is_not_dbt_2_is_refused(shop, elt):
    """It is asked, whatever is installed."""
    (shop / "bin" / "dbt2").write_text("#!/bin/sh\necho 'dbt Cloud CLI - 0.38.7'\n")
    elt("run", project=shop).refuses("E099", "elt.yml: 'dbt.command'", "dbt Cloud CLI")


def test_a_project_that_dbt_cannot_parse_is_refused_with_its_words(shop, elt):
    """And with the file that has all of them."""
    (shop / "models" / "totals.sql").write_text("select * from {{ ref('nothing') }}")
    elt("run", project=shop).refuses("E035", "nothing", "dbt.log")


def test_a_full_refresh_reaches_only_what_was_named(shop, elt):
    """An incremental model above it keeps its rows."""
    incremental = "{{ config(materialized='incremental') }} select now()::text as at, '{{ flags.FULL_REFRESH }}' as how"
    (shop / "models" / "above.sql").write_text(incremental)
    (shop / "models" / "named.sql").write_text(f"{incremental} from {{{{ ref('above') }}}}")
    assert elt("run", "--select", "named", "--full-refresh", "--quiet", project=shop).code == 0
    import duckdb

    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as database:
        assert database.execute("select how from named").fetchall() == [("True",)]
        assert database.execute("select how from above").fetchall() == [("False",)]


def test_what_dbt_itself_reuses_is_reused_and_what_a_model_prints_is_shown(shop):
    """dbt State decides the first; its reason is dbt's own."""
    (shop / "models" / "totals.sql").write_text(
        "{{ print('from the model') if execute }} select 1 as total from {{ ref('stg_orders') }}"
    )
    done = finished(start("run", project=shop, env={"STAND_IN_REUSES": "model.shop.stg_orders"}))
    assert done.code == 0, done.err
    assert "from the model" in done.out
    found = endings(shop)
    assert found["stg_orders"] == ("reused", "unchanged", None)
    assert found["totals"][0] == "success"


def test_dbt_1_reuses_nothing_that_dbt_2_built(shop, elt):
    """Nothing is known about what it depended on."""
    (shop / "elt.yml").rename(shop / "dbt2.yml")
    assert elt("run", "--quiet", project=shop).code == 0
    (shop / "dbt2.yml").rename(shop / "elt.yml")
    assert finished(start("run", "--quiet", project=shop)).code == 0
    (shop / "elt.yml").unlink()
    planned = json.loads(elt("plan", "--skip-unchanged", "--json", project=shop).out)
    assert {step["decision"]["act"] for step in planned["steps"]} == {"run"}


def test_a_command_of_dbt_is_passed_to_the_program(shop):
    """`elt dbt …` calls the same dbt."""
    done = finished(start("dbt", "--version", project=shop))
    assert (done.code, done.out.strip()) == (0, "dbt-fusion 2.0.0-preview.219")


def test_a_secret_is_masked_in_the_log_of_dbt(tmp_path, warm):
    """What dbt prints goes through elt, and its telemetry is not kept."""
    leak = {"models/leak.sql": "select '{{ env_var(\"SHOP_PASSWORD\") }}'::int as number"}
    project = write_project(tmp_path, leak)
    environment = {"SHOP_PASSWORD": "hunter2-is-secret"}
    done = finished(start("run", "--select", "leak", project=project, env=environment))
    assert done.code == 1
    files = [file for file in (project / ".elt").rglob("*") if file.is_file()]
    assert any(file.name == "dbt.log" and file.stat().st_size for file in files)
    for text in (done.out, done.err, *(file.read_bytes().decode(errors="replace") for file in files)):
        assert "hunter2" not in text


def test_dbt_1_is_not_imported(shop):
    """The program does all the work."""
    words = ["run", "--select", "totals", "--upstream", "none", "--quiet", "--project-dir", str(shop)]
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=False)
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert "dbt" not in loaded
