"""`on_error: continue` of a model halts what `dbt build` of the same release halts: nothing since dbt 1.12."""

from pathlib import Path

import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.api import Command
from orchestrator.continued_runs import retry
from tests.functional.dbt.sides import Side, dbt, elt, inside, steady

pytestmark = pytest.mark.functional
CONTINUES = installed_release().continues_after_errors
CONFIG = "{{ config(materialized='table', on_error='continue') }}"
FILES = {
    "dbt_project.yml": """
name: hardy
profile: hardy
flags: {send_anonymous_usage_stats: false}
""",
    "profiles.yml": """
hardy:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, threads: 1}
""",
    "models/base.sql": "{{ config(materialized='table') }}"
    " select {{ 'nothing' if var('breaks', '') == 'base' else 1 }} as id",
    "models/hardy.sql": CONFIG
    + " select {{ 'nothing' if var('breaks', '') == 'hardy' else 'id' }} as id from {{ ref('base') }}",
    "models/tested.sql": CONFIG
    + " select {{ 2 if var('breaks', '') == 'unit' else 1 }} * id as id from {{ ref('base') }}",
    "models/checked.sql": CONFIG
    + " select {{ '-1' if var('breaks', '') == 'check' else 'id' }} as id from {{ ref('base') }}",
    "models/after_hardy.sql": "{{ config(materialized='table') }} select id, 'then' as run from {{ ref('hardy') }}",
    "models/after_tested.sql": "select id from {{ ref('tested') }}",
    "models/after_checked.sql": "select id from {{ ref('checked') }}",
    "models/last.sql": "select id from {{ ref('after_hardy') }} union all select id from {{ ref('base') }}",
    "models/models.yml": """
models:
  - name: hardy
    columns: [{name: id, data_tests: [not_null]}]
  - name: checked
    columns: [{name: id, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]
  - name: after_hardy
    columns: [{name: id, data_tests: [not_null]}]
unit_tests:
  - name: keeps_another_id
    model: tested
    given: [{input: ref('base'), rows: [{id: 2}]}]
    expect: {rows: [{id: 2}]}
  - name: keeps_the_id
    model: tested
    given: [{input: ref('base'), rows: [{id: 1}]}]
    expect: {rows: [{id: 1}]}
""",
}


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Write the project for each side, and build it once without an error."""
    folders = tmp_path / "dbt", tmp_path / "elt"
    for folder in folders:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    assert (dbt(folders[0], "build").exit_code, elt(folders[1]).exit_code) == (0, 0)
    return folders


def broken(sides: tuple[Path, Path], what: str, *more: str) -> tuple[Side, Side]:
    words = ("--vars", f"breaks: {what}", *more)
    return dbt(sides[0], "build", *words), elt(sides[1], *words)


def records_of(side: Side, what: str) -> dict[str, object]:
    """Return what a side records of each node. Of two failing unit tests, dbt runs either one and skips the other."""
    found = {name: steady(one) for name, one in side.records().items()}
    if what != "unit":
        return found
    tests = {name: one for name, one in found.items() if name.startswith("unit_test.")}
    ended = sorted(str(one["status"]) for one in tests.values())
    return {**{name: one for name, one in found.items() if name not in tests}, "unit tests": ended}


@pytest.mark.parametrize("what", ["base", "hardy", "unit", "check"])
def test_a_model_that_continues_halts_what_dbt_halts(sides: tuple[Path, Path], what: str) -> None:
    """By its own error, by its unit test, by its data test, and by an error upstream: all records are dbt's."""
    theirs, ours = broken(sides, what)
    assert records_of(ours, what) == records_of(theirs, what)
    assert ours.tables() == theirs.tables()
    assert ours.exit_code == theirs.exit_code == 1
    words = {name.rpartition(".")[2]: word for name, word in ours.words().items() if name.startswith("model.")}
    after = {"hardy": "after_hardy", "unit": "after_tested"}.get(what)
    if after:
        assert words[after] == ("success" if CONTINUES else "skipped")
    else:
        assert words["after_checked"] == "skipped"


def test_fail_fast_ends_a_run_also_after_a_model_that_continues(sides: tuple[Path, Path]) -> None:
    """`--fail-fast` is stronger than `on_error: continue`, as in dbt."""
    _, ours = broken(sides, "hardy", "--fail-fast")
    assert ours.exit_code == 1
    assert ours.words()["model.hardy.after_hardy"] == "skipped"


def test_what_was_built_after_an_error_is_built_again_when_its_parent_succeeds(sides: tuple[Path, Path]) -> None:
    """With --skip-unchanged: what the broken model holds is unknown, so its children are not reused from that run."""
    words = ("model.hardy.after_hardy", "model.hardy.last")
    broken_run = elt(sides[1], "--vars", "breaks: hardy", skip_unchanged=True)
    expected = "success" if CONTINUES else "skipped"
    assert [broken_run.words()[word] for word in words] == [expected, expected]
    again = elt(sides[1], "--vars", "breaks: hardy", skip_unchanged=True)
    assert reused(again) & set(words) == set()
    repaired = elt(sides[1], skip_unchanged=True)
    assert repaired.exit_code == 0
    if CONTINUES:
        assert reused(repaired) & set(words) == set()


def reused(side: Side) -> set[str]:
    assert side.ran is not None
    return {outcome.step_id for outcome in side.ran.outcomes if outcome.status.value == "reused"}


def test_a_retry_rebuilds_what_read_older_rows(sides: tuple[Path, Path]) -> None:
    """What was built after the error is built again once the model is; on dbt 1.11 it was halted anyway."""
    elt(sides[1], "--vars", "breaks: hardy")
    with inside(sides[1]):
        repaired = retry(
            None, Command(project_dir=sides[1], profiles_dir=sides[1], dbt_options=("--vars", "breaks: no"))
        )
    assert repaired is not None
    assert {outcome.step_id for outcome in repaired.outcomes} >= {
        *("model.hardy.hardy", "model.hardy.after_hardy", "model.hardy.last")
    }


@pytest.mark.skipif(not CONTINUES, reason="dbt 1.12 and later")
@pytest.mark.parametrize(("breaks", "model"), [("hardy", "hardy"), ("unit", "tested")])
def test_a_retry_rebuilds_what_read_older_rows_although_the_key_is_gone(
    sides: tuple[Path, Path], breaks: str, model: str
) -> None:
    """What counts is what the failed run did, not what the project says today."""
    elt(sides[1], "--vars", f"breaks: {breaks}")
    file = sides[1] / f"models/{model}.sql"
    file.write_text(file.read_text().replace(", on_error='continue'", ""))
    with inside(sides[1]):
        repaired = retry(
            None, Command(project_dir=sides[1], profiles_dir=sides[1], dbt_options=("--vars", "breaks: no"))
        )
    assert repaired is not None
    assert f"model.hardy.after_{model}" in {outcome.step_id for outcome in repaired.outcomes}
