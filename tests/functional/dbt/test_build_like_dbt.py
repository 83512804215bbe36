"""What elt runs, skips and writes is what `dbt build` runs, skips and writes: on a sound project and a broken one."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from orchestrator.execution.outcome import ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from tests.functional.dbt.sides import Side, Sides, both, copied, dbt, elt, steady

pytestmark = pytest.mark.functional
LAST_HOOK = "operation.everything.everything-on-run-end-0"
POSITIVE = "test.everything.tools_positive_stg_orders_amount.dc6ad34efc"
NEWS = """
    insert into raw.orders values (14, 2, 3.0, date '2024-02-01', now()::timestamp);
    insert into raw.events values (5, timestamp '2026-02-01', now()::timestamp);
    update raw.customers set name = 'Anna' where id = 1;
"""


def _steady(side: Side) -> dict[str, object]:
    """Give the records that must be equal: the last hook's code lists the results in the order of their ends."""
    return {unique_id: steady(record) for unique_id, record in side.records().items() if unique_id != LAST_HOOK}


@pytest.mark.parametrize("which", ["elt", "everything_upstream"])
def test_a_sound_project_is_built_as_dbt_builds_it(sound: Sides, which: str) -> None:
    """Every node has dbt's status, figures, message, compiled code and batches; the exit code is dbt's."""
    ours: Side = getattr(sound, which)
    assert _steady(ours) == _steady(sound.dbt)
    assert ours.words()[LAST_HOOK] == "success"
    assert ours.exit_code == sound.dbt.exit_code == 0


@pytest.mark.parametrize("which", ["elt", "everything_upstream"])
def test_the_tables_hold_what_dbt_puts_into_them(sound: Sides, which: str) -> None:
    """Every relation of dbt's is there with the same rows: also what hooks, and `results` in a last hook, wrote."""
    assert getattr(sound, which).tables() == sound.dbt.tables()


def test_a_second_run_adds_what_dbt_adds(sound: Sides, tmp_path: Path) -> None:
    """Incremental and microbatch models and snapshots go on from what stands, as with dbt."""
    folders = [copied(sound.dbt.folder, tmp_path / "dbt"), copied(sound.elt.folder, tmp_path / "elt")]
    for folder in folders:
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute(NEWS)
    theirs, ours = dbt(folders[0], "build"), elt(folders[1])
    assert _steady(ours) == _steady(theirs)
    assert ours.tables() == theirs.tables()
    assert ("again",) in ours.sql("select distinct built from main_marts.inc_orders")


def test_a_broken_project_halts_where_dbt_halts(halted: Sides) -> None:
    """On some twenty defects, each node's record is dbt's; two wrong unit tests of a model end in either order."""
    theirs, ours = _steady(halted.dbt), _steady(halted.elt)
    assert _comparable(ours) == _comparable(theirs)
    assert _of_unit_tests(halted.elt) == _of_unit_tests(halted.dbt) == Counter(fail=1, skipped=1)
    assert halted.elt.exit_code == halted.dbt.exit_code == 1
    assert {"fail", "error", "partial success", "skipped", "warn", "pass"} <= set(halted.elt.words().values())


def test_going_upstream_changes_nothing_when_all_is_selected(halted: Sides) -> None:
    """`--upstream all` without a selection runs what `--upstream none` runs."""
    assert _comparable(_steady(halted.everything_upstream)) == _comparable(_steady(halted.elt))


def test_a_broken_run_leaves_the_tables_that_dbt_leaves(halted: Sides) -> None:
    """Half-done work stands as with dbt: batches that went well, rows that failed a test, nothing of the rest."""
    theirs, ours = halted.dbt.tables(), halted.elt.tables()
    for tables in (theirs, ours):
        tables["audit.results"] = [row for row in tables["audit.results"] if "disagrees.wrong" not in row]
    assert ours == theirs


def test_a_skip_names_its_cause(halted: Sides) -> None:
    """Where dbt says nothing, or blames a sound ephemeral model, the outcome names the step where the halt began."""
    assert halted.elt.ran is not None
    outcomes = {outcome.step_id: outcome for outcome in halted.elt.ran.outcomes}
    blamed = {
        "model.everything.below_both": "model.everything.bad_view",
        "model.everything.below_uncompilable": "model.everything.uncompilable",
        "model.everything.below_batches": "model.everything.bad_batches",
        "model.everything.beside_column": "test.everything.unique_bad_column_id.7ddf752682",
        "model.everything.under_unit_error": "unit_test.everything.under_unit_error.cannot_run",
    }
    for skipped, cause in blamed.items():
        reason = outcomes[skipped].reason
        assert outcomes[skipped].status is Status.SKIPPED
        assert reason.code is ReasonCode.UPSTREAM_HALTED
        assert reason.blame == cause


def test_dbts_log_of_a_failed_node_is_kept(halted: Sides) -> None:
    """With its statements and the database's words; of a node that succeeded nothing is kept but its seconds."""
    assert halted.elt.ran is not None
    outcomes = {outcome.step_id: outcome for outcome in halted.elt.ran.outcomes}
    broken = outcomes["model.everything.bad_view"].log
    assert "bad_view" in broken
    assert "create view" in broken
    assert "Binder Error" in broken
    began = re.findall(r"Began (?:running|compiling|executing) node (\S+)", broken)
    assert set(began) == {"model.everything.bad_view"}, "dbt may name the node that had the connection before, no more"
    sound = [outcome for outcome in outcomes.values() if outcome.tool_word == "success"]
    assert sound
    assert {outcome.log for outcome in sound} == {""}
    assert outcomes[StepId("model.everything.stg_orders")].query_seconds


def test_each_batch_is_a_part_of_its_step(halted: Sides) -> None:
    """A microbatch model of which one batch broke is an error; its parts tell which, and the message tells why."""
    assert halted.elt.ran is not None
    outcomes = {outcome.step_id: outcome for outcome in halted.elt.ran.outcomes}
    for name in ("bad_batches", "bad_batches_beside"):
        outcome = outcomes[f"model.everything.{name}"]
        assert (outcome.status, outcome.tool_word) == (Status.ERROR, "partial success")
        broken = [part for part in outcome.parts if part.status is Status.ERROR]
        assert [part.name for part in broken] == ["batch 2023-01-01T00:00:00"]
        assert "bad year" in broken[0].message
        assert len(outcome.parts) > 3
        assert "bad year" in outcome.message
    assert "no_such_column" in outcomes["model.everything.no_batch_at_all"].message


def test_messages_of_models_are_passed_on(sound: Sides) -> None:
    """What a model prints and warns of reaches the listeners, with the node that said it."""
    told = {(notice.kind.value, notice.message, notice.step_id) for notice in sound.elt.notices}
    assert ("printed", "a model speaks", "model.everything.talks") in told
    assert ("warning", "a model warns", "model.everything.talks") in told


@pytest.mark.parametrize("halting", [False, True, None])
def test_a_failing_on_run_start_hook_has_the_same_effect_as_in_dbt(
    everything: Path, tmp_path: Path, halting: bool | None
) -> None:
    """Nodes run after a failed on-run-start hook only if dbt's flag says so; later hooks are skipped.

    With the flag an ephemeral model has a record too, a unit test has none, and `results` is empty in the last hooks.
    """
    project = (everything / "dbt_project.yml").read_text()
    flag = f"flags:\n  skip_nodes_if_on_run_start_fails: {str(halting).lower()}"
    changes = {"dbt_project.yml": project.replace("flags:", flag)}
    theirs, ours = _with_switch("start", everything, tmp_path, {} if halting is None else changes, "+dim_customers")
    if halting is None:
        halting = installed_release().continues_after_errors  # the default changed in dbt 1.12
    assert _steady(ours) == _steady(theirs)
    assert ours.exit_code == theirs.exit_code == 1
    assert any(name.startswith("unit_test.") for name in ours.words()) is not halting
    assert ours.words()["model.everything.stg_orders"] == ("skipped" if halting else "success")
    assert ("model.everything.eph_orders" in ours.words()) is halting
    assert ours.tables() == theirs.tables()


def test_a_failing_on_run_start_hook_skips_an_exposure_where_dbt_crashes(everything: Path, tmp_path: Path) -> None:
    """With dbt's flag, a failed on-run-start hook ends dbt's own run over an exposure with an internal error."""
    project = (everything / "dbt_project.yml").read_text()
    flag = {"dbt_project.yml": project.replace("flags:", "flags:\n  skip_nodes_if_on_run_start_fails: true")}
    theirs, ours = _with_switch("start", everything, tmp_path, flag, "exposure:board")
    assert (theirs.exit_code, ours.exit_code) == (2, 1)
    assert ours.words()["exposure.everything.board"] == "skipped"


def test_an_on_run_start_hook_whose_macro_raises_prevents_every_node_from_running(
    everything: Path, tmp_path: Path
) -> None:
    """dbt gives up without results (exit code 2); elt skips each node, tells of the hook, and ends as not green."""
    project = (everything / "dbt_project.yml").read_text()
    changes: dict[str, str | None] = {
        "dbt_project.yml": project.replace("on-run-start:\n", "on-run-start:\n  - '{{ ask_first() }}'\n"),
        "macros/ask_first.sql": "{% macro ask_first() %}{% do run_query('select * from raw.nothing') %}{% endmacro %}",
    }
    theirs, ours = _of_orders(everything, tmp_path, changes)
    assert theirs.exit_code == 2
    assert not (theirs.folder / "target" / "run_results.json").exists()
    assert ours.tables() == theirs.tables()
    assert set(ours.words().values()) == {"skipped"}
    assert ours.ran is not None
    told = {str(outcome.step_id): outcome for outcome in ours.ran.outcomes}
    assert "nothing does not exist" in told["hook.start"].message
    assert told["model.everything.stg_orders"].reason.blame == "hook.start"
    assert ours.exit_code == 1


def test_an_on_run_end_hook_whose_macro_raises_fails_the_run(everything: Path, tmp_path: Path) -> None:
    """What ended before is recorded as in dbt; the exit code is 1, where dbt gives up with 2."""
    macro = "{% macro note_results(results) %}{{ exceptions.raise_compiler_error('nobody listens') }}{% endmacro %}"
    project = (everything / "dbt_project.yml").read_text()
    changes: dict[str, str | None] = {
        "dbt_project.yml": project.replace("on-run-end:\n", "on-run-end:\n  - select 1\n"),
        "macros/note_results.sql": macro.replace("{{ exc", "{% if execute %}{{ exc").replace(
            "') }}", "') }}{% endif %}"
        ),
    }
    theirs, ours = _of_orders(everything, tmp_path, changes)
    assert (theirs.exit_code, ours.exit_code) == (2, 1)
    assert _steady(ours) == _steady(theirs)
    assert ours.words()[LAST_HOOK] == "success"
    assert ours.ran is not None
    assert "nobody listens" in ours.ran.outcomes[-1].message
    assert ours.tables() == theirs.tables()


def test_a_failing_on_run_end_hook_has_the_same_effect_as_in_dbt(everything: Path, tmp_path: Path) -> None:
    """A failed on-run-end hook fails the run, skips the hooks behind it and undoes nothing."""
    theirs, ours = _with_switch("end", everything, tmp_path, {})
    assert _steady(ours) == _steady(theirs)
    assert ours.exit_code == theirs.exit_code == 1
    assert ours.tables() == theirs.tables()


def test_a_schema_that_cannot_be_created_prevents_every_node_from_running(everything: Path, tmp_path: Path) -> None:
    """In a database that is not attached: dbt gives up, here the first nodes are errors that say why."""
    project = (everything / "dbt_project.yml").read_text()
    elsewhere = {
        "models/staging/stg_events.sql": "{{ config(database='nowhere') }} select 1 as event_id, now() as happened_at",
        "dbt_project.yml": project.replace("flags:", "flags:\n  skip_nodes_if_on_run_start_fails: false"),
    }
    theirs = dbt(copied(everything, tmp_path / "dbt", elsewhere), "build", "--select", "stg_events stg_orders")
    ours = elt(copied(everything, tmp_path / "elt", elsewhere), select=["stg_events", "stg_orders"])
    assert (theirs.exit_code, theirs.records()) == (2, {})
    assert ours.exit_code == 1
    assert ours.ran is not None
    ended = {outcome.step_id: (outcome.status, "nowhere" in outcome.message) for outcome in ours.ran.outcomes}
    for model in ("stg_events", "stg_orders"):
        assert ended[StepId(f"model.everything.{model}")] == (Status.ERROR, True)
    assert ended[StepId(POSITIVE)] == (Status.SKIPPED, False)
    assert "main.stg_orders" not in ours.tables()


def _with_switch(name: str, project: Path, root: Path, changes: dict[str, str], *more: str) -> tuple[Side, Side]:
    switched = copied(project, root / "switched")
    with duckdb.connect(str(switched / "warehouse.duckdb")) as connection:
        connection.execute("insert into raw.switches values (?)", [name])
    return _of_orders(switched, root, changes, "eph_orders", *more)


def _of_orders(project: Path, root: Path, changes: Mapping[str, str | None], *more: str) -> tuple[Side, Side]:
    selected = ["stg_orders", *more]
    return both(
        project,
        root,
        lambda place: dbt(place, "build", "--select", *selected),
        lambda place: elt(place, select=selected),
        changes,
    )


def _comparable(records: dict[str, object]) -> dict[str, object]:
    """Leave out what is declared to differ: the order of unit tests, and dbt's words for a skip."""
    found = {}
    for unique_id, record in records.items():
        if unique_id.startswith("unit_test.everything.disagrees.wrong"):
            continue
        assert isinstance(record, dict)
        found[unique_id] = {**record, "message": None} if record["status"] == "skipped" else record
        if unique_id == "model.everything.bad_python":  # the traceback names a temporary file
            found[unique_id]["message"] = record["message"].splitlines()[-2:]
    return found


def _of_unit_tests(side: Side) -> Counter[str]:
    return Counter(word for name, word in side.words().items() if ".disagrees.wrong" in name)
