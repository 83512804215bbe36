"""dbt's options, variables and project flags mean in elt what they mean in dbt."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.api import Upstream, Verb
from orchestrator.execution.outcome import ReasonCode
from tests.functional.dbt.sides import Side, Sides, both, copied, dbt, elt, steady

pytestmark = pytest.mark.functional
OF_THE_FOLDER = dict.fromkeys(("project_dir", "profiles_dir", "log_path", "quiet", "invocation_command"))
LAST_HOOK = "operation.everything.everything-on-run-end-0"  # its code lists the results in the order of their ends


def _both(
    project: Path, root: Path, options: Sequence[str], select: Sequence[str], flags: str = ""
) -> tuple[Side, Side]:
    changes = {"dbt_project.yml": (project / "dbt_project.yml").read_text().replace("flags:", f"flags:\n{flags}")}
    return both(
        project,
        root,
        lambda place: dbt(place, "build", *options, "--select", *select),
        lambda place: elt(place, *options, select=select),
        changes if flags else None,
    )


FEWER_ERRORS = "  require_all_warnings_handled_by_warn_error: false\n"
"""`--warn-error` then spares most warnings of the parse, of which the project has some; the default until dbt 1.12."""


def _records(side: Side) -> dict[str, Mapping[str, Any]]:
    return {name: steady(record) for name, record in side.records().items() if name != LAST_HOOK}


@pytest.mark.parametrize(
    ("options", "select"),
    [
        (("--empty", "--threads", "1"), ("stg_orders", "stg_customers", "fct_orders+")),
        (("--event-time-start", "2022-01-01", "--event-time-end", "2024-01-01"), ("stg_events+",)),
        (("--vars", "{limit: 2}", "--warn-error"), ("stg_orders", "stg_customers")),
        (
            ("--exclude-resource-type", "unit_test", "--indirect-selection", "buildable"),
            ("stg_orders", "stg_customers", "countries"),
        ),
        (("--warn-error-options", '{"error": ["JinjaLogWarning"]}', "--store-failures"), ("talks", "tools.*")),
    ],
    ids=lambda words: words[0].lstrip("-"),
)
def test_an_option_means_what_it_means_to_dbt(
    everything: Path, tmp_path: Path, options: tuple[str, ...], select: tuple[str, ...]
) -> None:
    """With the same options both sides run the same nodes to the same ends, and write the same rows."""
    theirs, ours = _both(everything, tmp_path, options, select, FEWER_ERRORS if "--warn-error" in options else "")
    assert _records(ours) == _records(theirs)
    assert ours.tables() == theirs.tables()
    assert ours.exit_code == theirs.exit_code
    arguments = [side.document()["args"] for side in (ours, theirs)]
    assert arguments[0]["select"] == list(select)
    assert {**arguments[0], **OF_THE_FOLDER} == {**arguments[1], **OF_THE_FOLDER}


def test_warn_error_makes_those_warnings_errors_that_dbt_makes_errors(everything: Path, tmp_path: Path) -> None:
    """Since dbt 1.12 the warnings of the parse count by default, so neither side starts a node; before, a node errs."""
    theirs, ours = _both(everything, tmp_path, ("--warn-error", "--no-partial-parse"), ("stg_orders",))
    assert ours.exit_code == theirs.exit_code == (2 if installed_release().continues_after_errors else 1)
    assert _records(ours).keys() == _records(theirs).keys()


@pytest.mark.parametrize("prefix", ["DBT_", "DBT_ENGINE_"])
def test_variables_and_project_flags_mean_what_they_mean_to_dbt(
    everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """`DBT_*` and `DBT_ENGINE_*` variables and `flags:` of the project act without being named on the command line.

    The first releases of dbt 1.11 read fewer of the second kind: whatever dbt makes of them, elt does.
    """
    monkeypatch.setenv("DBT_TARGET_PATH", "elsewhere")
    monkeypatch.setenv(f"{prefix}INDIRECT_SELECTION", "empty")
    project = (everything / "dbt_project.yml").read_text()
    changes = {"dbt_project.yml": project.replace("flags:", f"flags:\n{FEWER_ERRORS}  warn_error: true")}
    theirs = dbt(copied(everything, tmp_path / "dbt", changes), "build", "--select", "stg_orders", "talks")
    ours = elt(copied(everything, tmp_path / "elt", changes), select=["stg_orders", "talks"])
    found, expected = _elsewhere(ours), _elsewhere(theirs)
    assert found == expected
    assert found["model.everything.talks"] == "error"
    assert found["model.everything.stg_orders"] == "success"
    if prefix == "DBT_":
        assert not [name for name in found if name.startswith("test.")]


def test_options_that_exclude_each_other_are_refused(everything: Path, tmp_path: Path) -> None:
    """`--warn-error` beside `warn_error_options` of the project is a mistake of the user's, as for dbt."""
    project = (everything / "dbt_project.yml").read_text()
    changes = {"dbt_project.yml": project.replace("flags:", "flags:\n  warn_error_options: {silence: []}")}
    theirs = dbt(copied(everything, tmp_path / "dbt", changes), "build", "--warn-error")
    ours = elt(copied(everything, tmp_path / "elt", changes), "--warn-error")
    assert "not allowed with argument warn_error" in ours.trouble
    assert ours.exit_code == theirs.exit_code == 2


def _elsewhere(side: Side) -> dict[str, str]:
    shutil.copytree(side.folder / "elsewhere", side.folder / "target", dirs_exist_ok=True)
    return side.words()


def test_no_artifact_is_written_when_dbt_would_write_none(everything: Path, tmp_path: Path) -> None:
    """`--no-write-json` leaves no run_results.json behind."""
    side = elt(copied(everything, tmp_path / "elt"), "--no-write-json", select=["talks"])
    assert not (side.folder / "target" / "run_results.json").exists()
    assert side.exit_code == 0


def test_fail_fast_skips_the_rest(broken: Path, tmp_path: Path) -> None:
    """After the first failure nothing more starts; run_results.json still names every node, in dbt's words.

    dbt leaves unit tests out of what it skipped; elt names them too.
    """
    theirs, ours = _both(broken, tmp_path, ("--fail-fast", "--threads", "1"), ("bad_view+",))
    found, expected = _records(ours), _records(theirs)
    assert found.pop("unit_test.everything.below_view.stopped")["status"] == "skipped"
    assert found == expected
    assert found["model.everything.below_both"]["message"] == "Skipping due to fail_fast"
    assert ours.exit_code == theirs.exit_code == 1


def test_fail_fast_blames_the_first_error(broken: Path, tmp_path: Path) -> None:
    """What fail-fast skipped beside the descendants says so, and names the step that broke."""
    side = elt(copied(broken, tmp_path / "elt"), "--fail-fast", "--threads", "1", select=["bad_view+", "bad_check+"])
    assert side.ran is not None
    reasons = {outcome.reason.code for outcome in side.ran.outcomes}
    assert ReasonCode.FAIL_FAST in reasons
    broke = [outcome.step_id for outcome in side.ran.outcomes if outcome.status.value in {"fail", "error"}]
    blamed = {outcome.reason.blame for outcome in side.ran.outcomes if outcome.reason.code is ReasonCode.FAIL_FAST}
    assert blamed == set(broke)


def test_full_refresh_applies_to_selected_nodes_only(sound: Sides, tmp_path: Path) -> None:
    """The named incremental model is rebuilt; one that was added because it is upstream keeps its rows."""
    folder = copied(sound.elt.folder, tmp_path / "elt")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("insert into main_marts.inc_orders values (999, 1, 'by hand')")
        connection.execute("insert into main_marts.inc_totals values (998, 1)")
    side = elt(folder, "--full-refresh", select=["inc_totals"], upstream=Upstream.ALL)
    assert side.exit_code == 0
    assert side.sql("select count(*) from main_marts.inc_orders where order_id = 999") == [(1,)]
    assert side.sql("select count(*) from main_marts.inc_totals where order_id = 998") == [(0,)]


@pytest.fixture(scope="module")
def prod(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project of which two models stand in the schema `prod`, with the state of that run."""
    folder = copied(everything, tmp_path_factory.mktemp("prod") / "prod")
    dbt(folder, "build", "--target", "prod", "--select", "stg_orders", "stg_customers")
    shutil.copytree(folder / "target", folder / "state")
    return folder


@pytest.mark.parametrize("favor", [(), ("--favor-state",)], ids=["defer", "favor-state"])
def test_deferral_reads_what_dbt_reads(prod: Path, tmp_path: Path, favor: tuple[str, ...]) -> None:
    """Parents that are not selected are read where the deferred manifest puts them, as in dbt."""
    project = copied(prod, tmp_path / "project")
    if favor:  # then the state wins although the parents stand here too
        dbt(project, "run", "--select", "stg_orders", "stg_customers")
    options = ("--defer", "--state", "state", *favor)
    theirs, ours = _both(project, tmp_path, options, ("fct_orders", "inc_orders"))
    assert _records(ours) == _records(theirs)
    assert ours.tables() == theirs.tables()
    assert '"prod"."stg_orders"' in ours.records()["model.everything.fct_orders"]["compiled_code"]


def test_deferred_parents_are_not_added(prod: Path, tmp_path: Path) -> None:
    """With `--defer`, going upstream adds nothing that the deferred manifest supplies."""
    folder = copied(prod, tmp_path / "elt")
    side = elt(folder, "--defer", "--state", "state", select=["fct_orders"], upstream=Upstream.ALL)
    assert "model.everything.stg_orders" not in side.words()
    assert side.words()["model.everything.fct_orders"] == "success"


def test_a_unit_test_runs_when_its_model_is_not_selected(sound: Sides, tmp_path: Path) -> None:
    """`dbt build` passes over a selected unit test whose model is not selected too; elt runs what is selected."""
    select = ["unit_test:amount_is_doubled", "stg_orders"]
    options = ("--indirect-selection", "empty")
    theirs, ours = _both(sound.elt.folder, tmp_path, options, select)
    named = "unit_test.everything.fct_orders.amount_is_doubled"
    assert named not in theirs.words()
    assert ours.words()[named] == "pass"


def test_testing_is_dbts(sound: Sides, tmp_path: Path) -> None:
    """`elt test` runs what `dbt test` runs, to the same ends, and builds nothing."""
    theirs = dbt(copied(sound.elt.folder, tmp_path / "dbt"), "test")
    ours = elt(copied(sound.elt.folder, tmp_path / "elt"), verb=Verb.TEST)
    assert _records(ours) == _records(theirs)
    assert ours.tables() == theirs.tables()
    assert ours.exit_code == theirs.exit_code == 0
