"""With the real tools: small projects from public bug reports, each of which reuse once got wrong."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from tests.functional.postgres.server import running_server
from tests.reuse_pairs.running import Bench, Run
from tests.reuse_pairs.warehouses import FILE, DuckDb, Postgres

pytestmark = pytest.mark.functional
CASES = Path(__file__).parent / "cases"
DEFAULTS = {
    "dbt_project.yml": "name: cases\nversion: '1.0'\nprofile: cases\n",
    "profiles.yml": f"cases: {{target: dev, outputs: {{dev: {{type: duckdb, path: {FILE}, threads: 2}}}}}}\n",
}
MORE_THAN_ARE_HASHED = 1_000_100

Case = Callable[[str], Bench]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Copy a project into a folder of the test's own; what it does not have it gets from DEFAULTS."""

    def make(name: str) -> Bench:
        root = shutil.copytree(CASES / name, tmp_path / name)
        for file, text in DEFAULTS.items():
            if not (root / file).exists():
                (root / file).write_text(text)
        return Bench(root, DuckDb(root))

    return make


def ask(it: Bench, statement: str) -> list[tuple[object, ...]]:
    """Ask the database, which no other process has open."""
    with duckdb.connect(str(it.root / FILE)) as connection:
        return connection.execute(statement).fetchall()


def first_run(it: Bench, *words: str) -> None:
    """Run everything, which must succeed."""
    ran = it.run(*words)
    assert ran.exit_code == 0, ran


def test_a_meta_key_that_a_macro_reads_from_its_argument_is_part_of_the_nodes_fingerprint(case: Case) -> None:
    """A macro gets `config` as an argument and reads `meta`: a change of `meta` builds the model."""
    it = case("config-passed-on")
    first_run(it)
    it.replace("models/tariff.yml", "5", "9")
    it.run("--skip-unchanged")
    assert ask(it, "from tariff") == [(9,)]


def test_relations_that_dbt_built_in_between_are_not_reused(case: Case) -> None:
    """`elt dbt run` writes the same tables with other vars or without rows: the next run builds its own."""
    it = case("dbt-between")
    first_run(it)
    assert it.elt("dbt", "run", "--select", "badge", "--vars", "colour: blue")[0] == 0
    it.run("--skip-unchanged")
    assert ask(it, "from badge") == [("red",)]
    assert it.elt("dbt", "run", "--empty")[0] == 0
    it.run("--skip-unchanged")
    assert ask(it, "from badges") == [("red",)]


def test_the_version_of_a_load_covers_the_ids_of_dlt(case: Case) -> None:
    """The same rows are loaded again, with new ids: tables that hold ids agree with each other afterwards."""
    it = case("dlt-ids-left-out")
    first_run(it)
    for words in (("--skip-unchanged",), ("--select", "totals", "loads")):
        assert it.run(*words).exit_code == 0
        assert ask(it, "from totals order by id") == [(7, 350), (8, 40)], words
        assert ask(it, "from loads") == ask(it, "select distinct _dlt_load_id from billing.invoices"), words


def test_the_file_of_an_external_model_must_exist(case: Case) -> None:
    """The file is deleted: the model writes it again, and its readers find it."""
    it = case("external-file-gone")
    first_run(it)
    it.remove("handed_over.parquet")
    it.run("--skip-unchanged")
    assert duckdb.sql(f"from '{it.root / 'handed_over.parquet'}'").fetchall() == [(12,)]


def test_a_flag_that_the_code_reads_is_part_of_the_nodes_fingerprint(case: Case) -> None:
    """Code that reads flags.FULL_REFRESH was built with the flag: a run without it builds again."""
    it = case("flags-full-refresh")
    first_run(it, "--full-refresh")
    assert ask(it, "select count(*) from hours") == [(24,)]
    it.run("--skip-unchanged")
    assert ask(it, "select count(*) from hours") == [(4,)]


def test_a_freshness_query_with_a_filter_is_not_a_version_of_the_whole_table(case: Case) -> None:
    """A row arrives that the filter of the freshness excludes: what counts rows counts it."""
    it = case("freshness-version")
    it.sql("create schema gates; create table gates.passages (car integer, gate varchar, passed_at timestamp)")
    it.sql("insert into gates.passages values (1, 'north', '2026-03-01 08:00')")
    first_run(it)
    it.sql("insert into gates.passages values (2, 'south', '2026-03-04 09:30')")
    it.run("--skip-unchanged")
    assert ask(it, "from passage_count") == [(2,)]


@pytest.fixture
def on_postgres(case: Case) -> Iterator[Bench]:
    """The project on a server of its own."""
    with running_server() as server:
        server.rows("create database cases")
        yield Bench(case("postgres-view-columns").root, Postgres(server, "cases"))


def test_a_view_whose_columns_are_frozen_is_rebuilt_when_its_parent_gains_one(on_postgres: Bench) -> None:
    """PostgreSQL expands `select *` when it makes a view: a new column of a load reaches the tables over the view."""
    it = on_postgres
    assert isinstance(it.warehouse, Postgres)
    first_run(it)
    it.write("ingestion/contacts.json", '[{"id": 2, "name": "Jon", "city": "Turku"}]')
    it.run("--select", "people")
    found = it.warehouse.server.rows("select id, city from analytics.people order by id", it.warehouse.name)
    assert found == [(1, None), (2, "Turku")]


def test_settings_of_the_profile_are_part_of_every_node(case: Case) -> None:
    """Another time zone in profiles.yml is another day in a table of dates."""
    it = case("profile-settings")
    first_run(it)
    assert ask(it, "from arrival_day") == [("2025-06-30",)]
    it.replace("profiles.yml", "UTC", "Asia/Tokyo")
    it.run("--skip-unchanged")
    assert ask(it, "from arrival_day") == [("2025-07-01",)]


def test_the_meta_that_a_python_model_reads_is_part_of_it(case: Case) -> None:
    """A Python model reads `meta` through dbt.config.get: a change of `meta` builds it and what is below."""
    it = case("python-meta")
    first_run(it)
    it.replace("models/limits.yml", "30", "45")
    it.run("--skip-unchanged")
    assert ask(it, "from doubled") == [(90,)]
    it.replace("models/limits.yml", "45", "50")
    it.run("--select", "doubled")
    assert ask(it, "from doubled") == [(100,)]


def test_a_python_model_that_runs_sql_from_a_string_is_not_understood(case: Case) -> None:
    """The string may read a file, which changes: the model runs."""
    it = case("python-reads-files")
    first_run(it)
    it.write("tides.csv", "port,height\nBrest,4\nDover,6\n")
    it.run("--skip-unchanged")
    assert ask(it, "from by_name union all from by_reader") == [(2,)] * 2


def test_a_relation_that_another_node_wrote_is_not_reused(case: Case) -> None:
    """Another model writes the table by its alias, then the first model is restored: it is built again."""
    it = case("renamed-with-alias")
    first_run(it)
    text = (it.root / "models/clients.sql").read_text()
    it.remove("models/clients.sql")
    it.write("models/clients_2.sql", "{{ config(materialized='table', alias='clients') }} select 'new' as version\n")
    first_run(it)
    assert ask(it, "from clients") == [("new",)]
    it.remove("models/clients_2.sql")
    it.write("models/clients.sql", text)
    it.run("--skip-unchanged")
    assert ask(it, "from clients") == [("old",)]


@pytest.mark.parametrize(
    "rows",
    [
        200,
        pytest.param(
            MORE_THAN_ARE_HASHED,
            marks=pytest.mark.skipif(not os.environ.get("WHOLE_REUSE"), reason="loads a million rows: WHOLE_REUSE=1"),
        ),
    ],
)
def test_retired_rows_change_the_version_of_a_load(case: Case, rows: int) -> None:
    """A load of an scd2 table adds no row and retires some: what counts valid rows runs, however large the table."""
    it = case("scd2-retired-rows")
    it.variables.update(CASE_ROWS=str(rows))
    first_run(it)
    it.variables.update(CASE_RETIRED="50")
    it.run("--skip-unchanged")
    assert ask(it, "from standing") == [(rows - 50,)]


def test_a_seed_is_the_bytes_of_its_file(case: Case) -> None:
    """Spaces at the end of the file, which dbt's checksum strips, are part of the last value."""
    it = case("seed-trailing-space")
    first_run(it)
    it.write("seeds/labels.csv", "code,label\nx,first\ny,second  ")
    it.run("--skip-unchanged")
    assert ask(it, "select label from labels where code = 'y'") == [("second  ",)]


def test_sql_that_reads_a_file_is_not_understood(case: Case) -> None:
    """However the name of the file is written, a change of the file reaches the table."""
    it = case("sql-reads-files")
    first_run(it)
    it.write("buoys.csv", "name,depth\nouter,30\ninner,8\n")
    it.run("--skip-unchanged")
    for model in ("double_quotes", "bare_name", "after_a_comma", "by_var"):
        assert ask(it, f"from {model}") == [(2,)], model


def test_a_suite_depends_on_every_relation_that_it_names(case: Case) -> None:
    """A suite compares its table with another one, which changes: it fails as in a run of everything."""
    it = case("suite-reads-more")
    first_run(it)
    ran = it.run("--skip-unchanged", "--vars", "received: 3")
    suites = [step for step in ran.steps.values() if step.kind == "suite"]
    assert [(step.status, step.reused) for step in suites] == [("fail", False)]
    assert ran.exit_code == 1


def test_a_dbt_macro_that_queries_the_warehouse_counts_as_a_query(case: Case) -> None:
    """A view over dbt.date_spine compiles the first and last day of a source into its text: later days rebuild it."""
    it = case("view-dbt-macro-asks")
    first_run(it)
    it.write("ingestion/last_day", "2025-02-01")
    it.run("--skip-unchanged")
    assert ask(it, "from calendar_days") == [(31,)]
    it.write("ingestion/last_day", "2025-02-02")
    it.run("--select", "calendar_days")
    assert ask(it, "from calendar_days") == [(32,)]


def test_a_reused_warning_counts_as_an_error_where_warnings_do(case: Case) -> None:
    """`--warn-error` ends with 1 whether the test that warns runs or is reused."""
    it = case("warn-error-reused")
    first_run(it)
    assert it.run("--warn-error").exit_code == 1
    first_run(it)
    assert it.run("--skip-unchanged", "--warn-error").exit_code == 1


def test_a_source_that_is_files_is_versioned_by_their_bytes(case: Case) -> None:
    """Nothing changed: nothing runs but what reads more than files. Another file that matches: its rows arrive."""
    it = case("files-as-sources")
    first_run(it)
    assert ran_by(it.run("--skip-unchanged")) == {"any_number"}
    it.write("landing/buoys_new.csv", "name,depth\ninner,8\n")
    assert ran_by(it.run("--skip-unchanged")) == {"any_number", "buoys"}
    assert ask(it, "select name from buoys order by name") == [("inner",), ("outer",)]
    it.write("landing/depths.json", '{"depth": 30}\n{"depth": 8}\n')
    assert ran_by(it.run("--skip-unchanged")) == {"any_number", "depths"}


def test_a_view_over_files_is_rebuilt_when_their_columns_change(case: Case) -> None:
    """A column is added to the file: the view over it has it, and so has the table over the view."""
    it = case("files-as-sources")
    first_run(it)
    it.write("landing/buoys.csv", "name,depth,lit\nouter,30,true\n")
    assert ran_by(it.run("--skip-unchanged")) == {"any_number", "stg_buoys", "buoys"}
    assert ask(it, "from buoys") == [("outer", 30, True)]


def test_a_file_that_no_longer_exists_is_reported(case: Case) -> None:
    """The plan names the file that is missing."""
    it = case("files-as-sources")
    first_run(it)
    it.remove("landing/depths.json")
    code, out, _ = it.elt("plan", "--skip-unchanged")
    assert code == 0
    assert "no file matches landing/depths.json" in out


def test_nodes_that_call_a_function_of_the_project_are_reused(case: Case) -> None:
    """Functions are created again each time; what calls one runs when its definition, or what it reads, changed."""
    it = case("functions-of-the-project")
    first_run(it)
    always = {"in_home_currency", "rate_of", "called_by_name"}
    assert ran_by(it.run("--skip-unchanged")) == always
    it.write("functions/in_home_currency.sql", "amount * 3")
    assert ran_by(it.run("--skip-unchanged")) == {*always, "invoices"}
    assert ask(it, "from invoices") == [(63,)]
    it.write("seeds/rates.csv", "currency,rate\nsek,12\n")
    assert ran_by(it.run("--skip-unchanged")) == {*always, "rates", "rates_used"}
    assert ask(it, "from rates_used") == [(12,)]
    assert ask(it, "from called_by_name") == [(12,)]  # no edge leads from the function to it, so it always runs


def test_a_microbatch_model_is_reused_until_a_new_batch_begins(case: Case) -> None:
    """In the same year it has the same batches of a year; new rows run it."""
    it = case("batches-until-now")
    first_run(it)
    assert ran_by(it.run("--skip-unchanged")) == set()
    assert ran_by(it.run("--skip-unchanged", "--event-time-start", "2024-01-01", "--event-time-end", "2025-01-01")) == {
        "per_batch"
    }
    it.write("seeds/passages.csv", "id,passed_at\n1,2024-01-01\n2,2024-01-02\n3,2024-01-03\n")
    assert ran_by(it.run("--skip-unchanged", "--full-refresh", "--select", "per_batch")) == {"per_batch", "passages"}
    assert ask(it, "select count(*) from per_batch") == [(3,)]


def ran_by(run: Run) -> set[str]:
    """Return the names of the steps that ran."""
    assert run.exit_code == 0, run
    return {step.name for step in run.steps.values() if not step.reused}


def test_a_stored_macro_counts_with_everything_it_calls(case: Case) -> None:
    """A model calls a macro of the database, which calls another one: that one is replaced."""
    it = case("seed-trailing-space")
    it.write("models/called.sql", "{{ config(materialized='table') }} select outer_one('x') as v")
    it.sql("create macro inner_one() as 'one'; create macro outer_one(x) as x || inner_one()")
    first_run(it)
    assert ran_by(it.run("--skip-unchanged")) == set()
    it.sql("create or replace macro inner_one() as 'two'")
    assert ran_by(it.run("--skip-unchanged")) == {"called"}
    assert ask(it, "from called") == [("xtwo",)]


def test_a_hook_that_writes_to_another_relation_is_not_understood(case: Case) -> None:
    """The other relation is built again: the hook writes to it again, as in a run of everything."""
    it = case("seed-trailing-space")
    it.write("models/a.sql", "{{ config(materialized='table') }} select 1 as v")
    hook = "update {{ ref('a') }} set v = 5"
    it.write("models/b.sql", f"{{{{ config(materialized='table', post_hook=\"{hook}\") }}}} select 2 as x")
    it.write(
        "models/c.sql",
        "{{ config(materialized='table') }} -- depends_on: {{ ref('b') }}\nselect v from {{ ref('a') }}",
    )
    first_run(it)
    for _ in range(2):
        it.run("--skip-unchanged")
        assert (ask(it, "from a"), ask(it, "from c")) == ([(5,)], [(5,)])


def test_a_hook_that_reads_what_a_var_names_is_not_understood(case: Case) -> None:
    """A table whose name stands in a var gets a row: the hook reads it."""
    it = case("seed-trailing-space")
    it.sql("create schema raw; create table raw.side as select 1 as v")
    hook = "insert into {{ this }} select v from {{ var('tbl') }}"
    it.write("models/a.sql", f"{{{{ config(materialized='table', post_hook=\"{hook}\") }}}} select 0 as v")
    it.write("dbt_project.yml", (it.root / "dbt_project.yml").read_text() + "\nvars: {tbl: raw.side}\n")
    first_run(it)
    it.sql("insert into raw.side values (2)")
    it.run("--skip-unchanged")
    assert ask(it, "from a order by v") == [(0,), (1,), (2,)]


def test_duckdb_reads_a_table_before_a_file_of_the_same_name(case: Case) -> None:
    """Whatever the case of its letters: then the bytes of the file say nothing."""
    it = case("files-as-sources")
    it.sql('create table "Landing/Depths.json" as select 1 as depth')
    it.replace(
        "models/raw.yml", "read_json('landing/depths.json', format = 'newline_delimited')", "landing/depths.json"
    )
    first_run(it)
    it.sql('insert into "Landing/Depths.json" values (2)')
    it.run("--skip-unchanged")
    assert ask(it, "from depths") == [(2,)]
