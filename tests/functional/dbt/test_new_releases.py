"""What newer releases of dbt have is the same with elt; on a release without it, elt ignores what dbt ignores."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.adapters.dbt.passthrough import run_command
from orchestrator.api import Verb
from orchestrator.errors import V2ParserError
from tests.functional.dbt.sides import Side, both, copied, dbt, elt, steady

pytestmark = pytest.mark.functional
RELEASE = installed_release()
SINCE_1_12 = pytest.mark.skipif(not RELEASE.has_v2_parser, reason="dbt 1.12 and later")
PROJECT = "name: fresh\nprofile: fresh\nflags: {send_anonymous_usage_stats: false}\n"
FILES = {
    "dbt_project.yml": PROJECT,
    "profiles.yml": """
fresh:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, threads: 1}
""",
    "models/base.sql": "select 1 as id",
    "models/top.sql": "{{ config(materialized='table') }} select id from {{ ref('base') }}",
    "selectors.yml": """
selectors:
  - name: tops
    definition: {method: fqn, value: top}
  - name: everything
    definition: {union: [{method: selector, value: tops}, {method: fqn, value: base}]}
""",
    "models/models.yml": "models: [{name: top, columns: [{name: id, data_tests: [not_null]}]}]",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = written(tmp_path / "project", FILES)
    (folder / "target").mkdir()
    return folder


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def built(project: Path, root: Path, changes: Mapping[str, str | None], *options: str) -> tuple[Side, Side]:
    theirs, ours = both(
        project, root, lambda place: dbt(place, "build", *options), lambda place: elt(place, *options), changes
    )
    assert ours.exit_code == theirs.exit_code
    assert {name: steady(one) for name, one in ours.records().items()} == {
        name: steady(one) for name, one in theirs.records().items()
    }
    return theirs, ours


@pytest.mark.parametrize("where", [".env", "../.env"])
def test_a_file_of_variables_is_read_where_dbt_reads_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Since dbt 1.12: `.env` in the project, or in the nearest folder above it; set variables win."""
    for name in ("FRESH_ID", "FRESH_SET"):
        monkeypatch.setenv(name, "0")  # both sides change the environment of this process; it is restored
        monkeypatch.delenv(name)
    monkeypatch.setenv("FRESH_SET", "3")
    (project / "models" / "top.sql").write_text(
        "select {{ env_var('FRESH_ID', '1') }} as id, {{ env_var('FRESH_SET') }} as other"
    )
    inner = tmp_path / "inner"
    inner.mkdir()
    for side in ("dbt", "elt"):
        folder = copied(project, inner / side)
        (folder / where).write_text("FRESH_ID=7\nFRESH_SET=8\n")
        ran = dbt(folder, "build") if side == "dbt" else elt(folder)
        assert ran.exit_code == 0
        assert ran.tables()["main.top"] == ["(7, 3)" if RELEASE.reads_env_file else "(1, 3)"]
        os.environ.pop("FRESH_ID", None)


def test_a_file_of_variables_in_the_working_folder_is_not_read_if_the_project_is_elsewhere(
    project: Path, tmp_path: Path
) -> None:
    """dbt reads it as soon as it is imported: after `elt plan`, which may not import dbt, a run would differ."""
    (project / "models" / "top.sql").write_text("select '{{ env_var('FRESH_ID', 'none') }}' as id")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("FRESH_ID=of another folder\n")
    command = [sys.executable, "-m", "orchestrator", "run", "--project-dir", str(project), "--select", "top"]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as database:
        assert database.execute("select id from top").fetchall() == [("none",)]


@SINCE_1_12
def test_a_syntax_error_in_vars_yml_names_the_file(project: Path) -> None:
    """dbt says only that there is a syntax error."""
    (project / "vars.yml").write_text("vars: [\n")
    command = [sys.executable, "-m", "orchestrator", "plan", "--project-dir", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "dbt cannot parse vars.yml: Syntax error" in done.stderr


@SINCE_1_12
def test_vars_of_their_own_file_are_vars_of_the_project(project: Path, tmp_path: Path) -> None:
    """vars.yml beside dbt_project.yml; --vars wins, and another value is a reason to build again."""
    changes = {
        "models/top.sql": "{{ config(materialized='table') }} select {{ var('chosen') }} as id",
        "vars.yml": "vars: {chosen: 4}",
    }
    theirs, ours = built(project, tmp_path, changes)
    assert ours.tables() == theirs.tables()
    folder = ours.folder
    assert reused(elt(folder, skip_unchanged=True)) >= {"model.fresh.top"}
    (folder / "vars.yml").write_text("vars: {chosen: 5}")
    again = elt(folder, skip_unchanged=True)
    assert "model.fresh.top" not in reused(again)
    assert again.tables()["main.top"] == ["(5,)"]
    assert elt(folder, "--vars", "chosen: 6").tables()["main.top"] == ["(6,)"]


@pytest.mark.parametrize("name", ["tops", "everything"])
def test_a_selector_may_refer_to_another(project: Path, tmp_path: Path, name: str) -> None:
    """In selectors.yml on every release."""
    theirs, ours = built(project, tmp_path, {}, "--selector", name)
    assert ours.records().keys() == theirs.records().keys() != set()


@SINCE_1_12
@pytest.mark.parametrize("words", [("selector:tops",), ("selector:every*",), ("selector:tops+", "base")])
def test_a_selector_is_a_method_of_selection(project: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """`--select selector:NAME`: the nodes are dbt's, and tests come by indirect selection as in dbt."""
    theirs = dbt(copied(project, tmp_path / "dbt"), "build", "--select", *words)
    ours = elt(copied(project, tmp_path / "elt"), select=words)
    assert ours.records().keys() == theirs.records().keys() != set()
    assert elt(copied(project, tmp_path / "unknown"), select=["selector:none"]).exit_code == 2


@SINCE_1_12
def test_the_view_of_the_latest_version_is_made_and_its_model_is_never_reused(project: Path, tmp_path: Path) -> None:
    """`latest_version_pointer`: the view is dbt's; elt does not know whether it still exists, so the model runs."""
    changes = {
        "models/top.sql": None,
        "models/top_v1.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/top_v2.sql": "{{ config(materialized='table',"
        " latest_version_pointer={'enabled': true}) }} select 2 as id",
        "models/models.yml": "models: [{name: top, latest_version: 2, versions: [{v: 1}, {v: 2}]}]",
    }
    theirs, ours = built(project, tmp_path, changes)
    assert ours.tables() == theirs.tables()
    assert ours.tables()["main.top"] == ["(2,)"]
    assert reused(elt(ours.folder, skip_unchanged=True)) == {"model.fresh.base", "model.fresh.top.v1"}


@SINCE_1_12
def test_warnings_of_the_parse_are_shown_together_if_the_project_says_so(project: Path, tmp_path: Path) -> None:
    """`enable_grouped_warn_error_parser_logs`: an error with --warn-error lists all of them, as in dbt."""
    flags = PROJECT.replace("flags: {", "flags: {enable_grouped_warn_error_parser_logs: true, ")
    changes = {
        "dbt_project.yml": flags + "models: {fresh: {absent: {+tags: a}}}\nseeds: {fresh: {absent: {+tags: a}}}\n"
    }
    _, ours = built(project, tmp_path, changes, "--warn-error")
    assert ours.exit_code == 2
    assert "absent" in ours.trouble


@SINCE_1_12
def test_a_second_catalogs_file_is_refused_as_by_dbt_if_the_adapter_does_not_read_it(
    project: Path, tmp_path: Path
) -> None:
    """`use_catalogs_v2`: dbt-duckdb does not know the second version of catalogs.yml."""
    flags = PROJECT.replace("flags: {", "flags: {use_catalogs_v2: true, ")
    catalogs = (
        "catalogs: [{name: lake, type: horizon, table_format: iceberg, config: {snowflake: {external_volume: v}}}]"
    )
    _, ours = built(project, tmp_path, {"dbt_project.yml": flags, "catalogs.yml": catalogs})
    assert ours.exit_code == 2
    assert "catalogs" in ours.trouble


REFUSED = "dbt's parser of version 2 is switched on"


@SINCE_1_12
@pytest.mark.parametrize("verb", [Verb.BUILD, Verb.TEST])
def test_the_parser_of_version_2_is_refused_as_an_option(project: Path, verb: Verb) -> None:
    """With the reason, and what to do."""
    refused = elt(project, "--use-v2-parser", verb=verb)
    assert refused.exit_code == 2
    assert refused.trouble.startswith(REFUSED)
    assert "unset DBT_ENGINE_USE_V2_PARSER" in refused.trouble


@SINCE_1_12
def test_the_parser_of_version_2_is_refused_as_a_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DBT_ENGINE_USE_V2_PARSER."""
    monkeypatch.setenv("DBT_ENGINE_USE_V2_PARSER", "1")
    assert elt(project).trouble.startswith(REFUSED)


@SINCE_1_12
def test_the_parser_of_version_2_is_refused_as_a_flag_of_the_project(project: Path) -> None:
    """`flags:` of dbt_project.yml."""
    (project / "dbt_project.yml").write_text(PROJECT.replace("flags: {", "flags: {use_v2_parser: true, "))
    assert elt(project).trouble.startswith(REFUSED)
    assert elt(project, "--no-use-v2-parser").exit_code == 0


@SINCE_1_12
def test_the_parser_of_version_2_is_refused_in_a_command_that_is_passed_to_dbt(project: Path) -> None:
    """`elt dbt parse --use-v2-parser`; the same command without it runs."""
    with pytest.raises(V2ParserError):
        run_command(("--quiet", "parse", "--use-v2-parser"), project)
    assert run_command(("--quiet", "parse"), project) == 0


def reused(side: Side) -> set[str]:
    assert side.ran is not None
    return {outcome.step_id for outcome in side.ran.outcomes if outcome.status.value == "reused"}
