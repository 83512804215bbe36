"""With the real dbt: what plain dbt built is adopted if it provably is what a run would leave, and otherwise not."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.adopted_tables import Adoption, adopt
from orchestrator.adoption.ruling import RulingAct
from orchestrator.api import Command, Verb, run
from orchestrator.continued_runs import retry
from orchestrator.errors import ManifestError, UsageError, WarehouseError
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep
from tests.functional.reuse.quay import ADOPTED, DATABASE, ask, by_hand, dbt, ended_at, write_quay
from tests.functional.reuse.till import edit

pytestmark = pytest.mark.functional
SEEDS_AND_VIEWS = {"ports", "stg_boats"}
COUNTS = "select count(*) from {}"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The project after a plain `dbt build`, with a copy of its artifacts; tests work on copies of it."""
    root = write_quay(tmp_path_factory.mktemp("quay"))
    dbt(root, "build")
    dbt(root, "build")  # the incremental model is added to: as a whole it compiles to another text
    return root


@pytest.fixture
def quay(built, tmp_path) -> Path:
    """A copy of that project, with the times of its files."""
    return shutil.copytree(built, tmp_path / "quay", copy_function=shutil.copy2)


def adopted(root: Path, *options: str, state: str = "built", select: tuple[str, ...] = (), **asked: bool) -> Adoption:
    """Adopt what the artifacts show."""
    command = Command(project_dir=root, profiles_dir=root, dbt_options=options, select=select)
    return adopt(command, root / state, **asked)


def names(found: Adoption, act: RulingAct = RulingAct.ADOPT) -> set[str]:
    """Return the names of what is built, by what became of it."""
    return {one.step.name for one in found.nodes if isinstance(one.step, BuildStep) and one.ruling.act is act}


def reasons(found: Adoption) -> dict[str, str]:
    """Return why each node was not adopted."""
    return {one.step.name: one.ruling.reason for one in found.nodes if one.ruling.act is RulingAct.REFUSE}


def built_by_run(root: Path, **options: object) -> set[str]:
    """Run with reuse; return what was built or checked."""
    ran = run(Command(project_dir=root, profiles_dir=root, skip_unchanged=True, **options))
    assert {one.status for one in ran.outcomes} <= {Status.SUCCESS, Status.REUSED}
    return {ran.plan.by_id[one.step_id].name for one in ran.outcomes if one.status is Status.SUCCESS}


def tables(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of what is built, but for the clock."""
    return {name: sorted(ask(root, f"select * from {name}"), key=repr) for name in sorted(ADOPTED)}


def test_relations_built_by_dbt_are_adopted_and_then_reused(quay):
    """Nothing is rebuilt but what always runs; the adoption changes no row, and is a run of its own."""
    before = tables(quay)
    found = adopted(quay)
    assert names(found) == ADOPTED
    assert reasons(found) == {"clock": "volatile: now()"}
    assert found.exit_code == 0
    checks = {one.step.name for one in found.nodes if not isinstance(one.step, BuildStep)}
    assert checks == {"unique_berths_id", "not_null_berths_id"}
    assert built_by_run(quay) == {"clock", "mid"}
    assert tables(quay) == before
    assert ask(quay, "select count(*) from _elt.standing where run_id = '" + found.run_id + "'") == [(len(ADOPTED),)]
    assert ask(quay, "select 1 from duckdb_schemas() where schema_name like '\\_elt\\_verify%' escape '\\'") == []


def test_a_change_after_the_adoption_is_seen(quay):
    """The marker holds the content: a row that is changed by hand later, and a new source row, are built again."""
    adopted(quay)
    ask(quay, "update by_port set tons = 0 where name = 'Aden'")
    assert built_by_run(quay) >= {"by_port"}
    assert ask(quay, "select tons from by_port where name = 'Aden'") == [(10,)]
    ask(quay, "insert into ext.boats values (3, 'B', 1)")
    assert built_by_run(quay) >= {"berths", "by_port", "log", "berth_history"}
    assert ask(quay, "select tons from by_port where name = 'Bergen'") == [(16,)]


def test_an_adoption_is_recorded_and_cannot_be_repeated(quay):
    """A second adoption finds nothing to do; `elt retry` says that there is nothing to repeat."""
    first = adopted(quay, select=("+by_port",))
    assert names(first) == {"ports", "stg_boats", "berths", "by_port"}
    os.utime(quay / DATABASE, (ended_at(quay) + 60, ended_at(quay) + 60))
    again = adopted(quay, select=("+by_port",))
    assert (names(again, RulingAct.KNOWN), again.exit_code, again.run_id) == (names(first), 0, "")
    rest = adopted(quay)
    assert names(rest, RulingAct.KNOWN) == names(first)
    assert names(rest) == {"busy"}  # by its definition; the first adoption wrote to the file
    with pytest.raises(UsageError, match="was `elt adopt`"):
        retry(None, Command(project_dir=quay, profiles_dir=quay))


def test_a_node_whose_parent_was_not_selected_is_not_adopted(quay):
    """Nothing shows what its parent is."""
    found = adopted(quay, select=("berths",))
    assert reasons(found) == {
        "berths": "its parent stg_boats is not adopted",
        "unique_berths_id": "its parent berths is not adopted",
        "not_null_berths_id": "its parent berths is not adopted",
    }
    assert found.exit_code == 1


def test_a_dry_run_writes_nothing(quay):
    """Neither the database nor the record; what it would load to compare is reported so."""
    before = (quay / DATABASE).stat()
    found = adopted(quay, dry_run=True)
    assert names(found) == ADOPTED - {"ports"}
    assert names(found, RulingAct.COMPARE) == {"ports"}
    assert (quay / DATABASE).stat().st_mtime_ns == before.st_mtime_ns
    assert not list(quay.glob(".elt/*.db")) or adopted(quay, dry_run=True).run_id == ""
    assert names(adopted(quay)) == ADOPTED


def test_a_row_that_was_added_to_a_source_leaves_tables_unproven(quay):
    """Then the file was written since; a view shows what its source holds; a copy of the table differs."""
    by_hand(quay, "insert into ext.boats values (3, 'B', 2)")
    found = adopted(quay, dry_run=True)
    assert names(found, RulingAct.COMPARE) == SEEDS_AND_VIEWS
    assert "the database file was written at" in reasons(found)["berths"]
    verified = adopted(quay, verify=True)
    assert names(verified) == SEEDS_AND_VIEWS
    assert reasons(verified)["berths"].startswith("the database file was written at")  # it has a hook: no copy
    assert built_by_run(quay) >= {"berths", "by_port"}
    assert ask(quay, "select tons from by_port where name = 'Bergen'") == [(18,)]


def test_a_table_equal_to_a_copy_is_adopted_whatever_its_file_shows(quay):
    """With `--verify`, and without hooks; incremental models and snapshots are proven by the file alone."""
    edit(quay, "models/berths.sql", """{{ config(post_hook="delete from {{ this }} where tons < 0") }}""", "")
    dbt(quay, "build")
    by_hand(quay, "update by_port set tons = 99 where name = 'Aden'; create table other as select 1 as a")
    assert names(adopted(quay, dry_run=True), RulingAct.ADOPT) == set()
    found = adopted(quay, verify=True)
    assert names(found) == {"ports", "stg_boats", "berths"}
    assert reasons(found)["by_port"] == "its rows are not those that it would have now: 2 differ"
    assert reasons(found)["busy"] == "its parent by_port is not adopted"
    assert "was written at" in reasons(found)["log"]
    assert built_by_run(quay) >= {"by_port", "log", "berth_history"}
    assert ask(quay, "select tons from by_port where name = 'Aden'") == [(10,)]


def test_a_view_that_was_replaced_by_hand_is_not_adopted(quay):
    """Its definition is compared with that of a copy."""
    by_hand(quay, "create or replace view stg_boats as select id, port, tons from ext.boats where id = 1")
    assert reasons(adopted(quay))["stg_boats"] == "its definition is not what it would be now"


@pytest.mark.parametrize("seed", ["A,Aden\nB,Oslo\n", "A,Aden\n", "A,Aden\nB,Bergen\nB,Bergen\n"])
def test_a_seed_whose_rows_were_edited_is_not_adopted(quay, seed):
    """Neither is what reads it."""
    (quay / "seeds/ports.csv").write_text(f"code,name\n{seed}")
    found = adopted(quay)
    assert names(found) == ADOPTED - {"ports", "by_port", "busy"}
    assert reasons(found)["ports"].startswith("its rows are not those that it would have now")


def test_a_seed_whose_rows_were_edited_is_right_after_the_next_run(quay):
    """The adopted rest is reused; the seed and what reads it are built."""
    (quay / "seeds/ports.csv").write_text("code,name\nA,Aden\nB,Oslo\n")
    adopted(quay)
    assert built_by_run(quay) == {"ports", "by_port", "busy", "clock", "mid"}
    assert ask(quay, "select name from busy order by name") == [("Aden",), ("Oslo",)]


@pytest.mark.parametrize("seed", ['"A","Aden"\n"B","Bergen"\n', "A,Aden\nB,Bergen  \n\n"])
def test_a_seed_whose_text_gives_the_same_rows_is_adopted(quay, seed):
    """Quotes and trailing spaces change no row: dbt loads the same from both."""
    (quay / "seeds/ports.csv").write_text(f"code,name\n{seed}")
    assert names(adopted(quay)) == ADOPTED
    run(Command(project_dir=quay, profiles_dir=quay, select=("ports",)))
    assert ask(quay, "select * from ports order by code") == [("A", "Aden"), ("B", "Bergen")]


def test_another_var_is_seen(quay):
    """By the line of the command, and by what the model compiles to."""
    found = adopted(quay, "--vars", "{least: 6}")
    assert reasons(found)["berths"] == "that run had other --vars, and it reads vars"
    assert names(found) == SEEDS_AND_VIEWS
    os_time = (quay / "dbt_project.yml").stat().st_mtime
    edit(quay, "dbt_project.yml", "least: 1", "least: 6")
    os.utime(quay / "dbt_project.yml", (os_time, os_time))
    assert reasons(adopted(quay))["berths"].startswith("it compiles to something else than in that run")


def test_an_edited_model_is_not_adopted_and_neither_is_what_reads_it(quay):
    """A comment changes nothing."""
    edit(quay, "models/by_port.sql", "sum(b.tons)", "max(b.tons)")
    edit(quay, "models/stg_boats.sql", "-- one row a boat", "-- a boat")
    edit(quay, "models/log.sql", "select id, tons", "select id, tons + 1 as tons")
    found = adopted(quay)
    assert names(found) == ADOPTED - {"by_port", "busy", "log"}
    assert reasons(found)["by_port"].startswith("it compiles to something else")
    assert reasons(found)["log"] == "changed since that run: code"


def test_an_edited_macro_and_hook_are_seen(quay):
    """What a model reaches counts, and what it runs besides its SQL."""
    edit(quay, "macros/twice.sql", "* 2", "* 3")
    assert reasons(adopted(quay, dry_run=True))["berths"].startswith("it compiles to something else")
    edit(quay, "macros/twice.sql", "* 3", "* 2")
    edit(quay, "models/berths.sql", "tons < 0", "tons < 1")
    assert "post-hook" in reasons(adopted(quay, dry_run=True))["berths"]


def test_relations_rebuilt_by_a_later_dbt_run_are_not_proven_by_the_first(quay):
    """The artifacts of the last run prove it, those of an earlier one do not."""
    dbt(quay, "run", "--vars", "{least: 6}", artifacts="later")
    later = ended_at(quay) + 60
    os.utime(quay / DATABASE, (later, later))
    assert names(adopted(quay, dry_run=True), RulingAct.ADOPT) == set()


def test_a_file_that_is_older_than_the_run_is_another_copy(quay):
    """As after a backup was put back."""
    earlier = ended_at(quay) - 3600
    os.utime(quay / DATABASE, (earlier, earlier))
    assert "it is another copy" in reasons(adopted(quay, dry_run=True))["berths"]


def test_a_run_with_empty_relations_proves_nothing(quay):
    """`--empty` is in the arguments of the run."""
    dbt(quay, "run", "--empty", artifacts="empty")
    found = adopted(quay, state="empty")
    assert found.exit_code == 1
    assert reasons(found)["berths"] == "that run cannot be used: it built empty relations (--empty)"


def test_a_hook_that_may_write_to_other_tables_leaves_tables_unproven(quay):
    """What an on-run-end hook wrote is not what the model built."""
    (quay / "dbt_project.yml").open("a").write('on-run-end: ["update by_port set tons = tons + 1"]\n')
    dbt(quay, "build", artifacts="hooked")
    found = adopted(quay, state="hooked", dry_run=True)
    assert names(found, RulingAct.ADOPT) == set()
    assert "in the hook quay-on-run-end-0" in reasons(found)["berths"]


def test_tests_that_a_run_did_not_contain_are_run_before_the_next_one(quay):
    """`dbt run` runs no tests: `elt test` brings their results, and nothing is built for their sake."""
    dbt(quay, "run", artifacts="ran")
    found = adopted(quay, state="ran", select=("stg_boats+", "ports"))
    assert reasons(found)["ports"] == "that run did not contain it"
    assert reasons(found)["unique_berths_id"] == "that run did not contain it"
    run(Command(verb=Verb.TEST, project_dir=quay, profiles_dir=quay))
    assert built_by_run(quay, select=("stg_boats", "berths", "log")) == {"mid"}


def test_compiling_changes_nothing(quay):
    """A query that a model asks while it is compiled is not asked if it may write, and then nothing is proven."""
    ask(quay, "create table audit (a integer)")
    (quay / "models/noted.sql").write_text(
        "{% if execute %}{% do run_query('insert into audit values (1)') %}{% endif %} select 1 as a\n"
    )
    dbt(quay, "build", artifacts="noted")
    before = ask(quay, "select count(*) from audit")
    found = adopted(quay, state="noted", verify=True)
    assert "noted" in reasons(found)
    assert "in noted: " in reasons(found)["berths"]
    assert ask(quay, "select count(*) from audit") == before != [(0,)]


def test_the_live_target_folder_can_be_named(quay):
    """Its files are read before dbt parses the project."""
    assert names(adopted(quay, state="target")) == ADOPTED


def test_without_rows_in_the_target_the_record_alone_decides_what_exists(quay):
    """`state_in_target: false`: nothing is written to the database but what seeds are compared with."""
    (quay / "elt.yml").write_text("state_in_target: false\n")
    assert names(adopted(quay)) == ADOPTED
    assert ask(quay, "select 1 from duckdb_schemas() where schema_name = '_elt'") == []
    assert built_by_run(quay) == {"clock", "mid"}


def test_artifacts_that_do_not_fit_are_refused(quay):
    """Missing, cut short, of different invocations, of another version, or of another project: exit code 2."""
    results = quay / "built" / "run_results.json"
    whole = json.loads(results.read_text())
    with pytest.raises(UsageError, match="does not exist"):
        adopted(quay, state="nowhere")
    for text, words in (
        ("{", "is not valid JSON"),
        ("[]", "not a run_results.json of version 6"),
        (json.dumps({**whole, "metadata": {**whole["metadata"], "invocation_id": "another"}}), "different invocations"),
        (json.dumps({**whole, "results": [{}]}), "does not look like version 6"),
    ):
        results.write_text(text)
        with pytest.raises(UsageError, match=words):
            adopted(quay)
    results.write_text(json.dumps(whole))
    manifest = quay / "built" / "manifest.json"
    read = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**read, "metadata": {**read["metadata"], "project_name": "pier"}}))
    with pytest.raises(UsageError, match="to the project pier"):
        adopted(quay)
    manifest.write_text(json.dumps({**read, "metadata": {**read["metadata"], "dbt_schema_version": "v11"}}))
    with pytest.raises(ManifestError):
        adopted(quay)


def test_a_missing_relation_and_a_read_only_database(quay):
    """The first is not adopted; with the second nothing is."""
    (quay / "read_only").mkdir()
    profile = (quay / "profiles.yml").read_text()
    (quay / "read_only/profiles.yml").write_text(
        profile.replace("threads: 2", "threads: 2, config_options: {access_mode: read_only}")
    )
    with pytest.raises(WarehouseError, match="Nothing can be adopted"):
        adopt(Command(project_dir=quay, profiles_dir=quay / "read_only"), quay / "built")
    (quay / DATABASE).unlink()
    found = adopted(quay, dry_run=True)
    assert reasons(found)["berths"] == "main.berths does not exist"
    assert (found.exit_code, (quay / DATABASE).exists()) == (1, False)


def test_the_database_files_modification_time_proves_nothing_about_other_files(tmp_path):
    """A source is a file, which changes after dbt's run: what reads it, through views too, is not adopted."""
    root = write_quay(tmp_path)
    (root / "marks.csv").write_text("id\n1\n")
    external = 'tables: [{name: boats}, {name: marks, config: {meta: {external_location: "marks.csv"}}}]'
    edit(root, "models/models.yml", "tables: [{name: boats}]", external)
    (root / "models/seen.sql").write_text(
        "{{ config(materialized='view') }} select * from {{ source('ext', 'marks') }}\n"
    )
    (root / "models/marks_by_view.sql").write_text("select count(*) as marks from {{ ref('seen') }}\n")
    dbt(root, "build")
    (root / "marks.csv").write_text("id\n1\n2\n")
    found = adopted(root)
    assert "seen" in names(found, RulingAct.ADOPT) | names(found, RulingAct.COMPARE)
    assert "is files, and the artifacts do not say what they held" in reasons(found)["marks_by_view"]
    run(Command(project_dir=root, profiles_dir=root, skip_unchanged=True))
    assert ask(root, "from marks_by_view") == [(2,)]
