"""`storage_version`: which releases of DuckDB can read the database files that elt creates."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from orchestrator.adapters.duckdb.storage_format import conversion

pytestmark = pytest.mark.functional

FILES = {
    "dbt_project.yml": "name: mini\nversion: '1.0'\nprofile: mini\nmodels: {+materialized: table}\n",
    "models/sources.yml": "sources: [{name: shop, tables: [{name: orders}]}]\n",
    "models/sold.sql": "select id, amount from {{ source('shop', 'orders') }}\n",
    "models/sold.yml": "models: [{name: sold, columns: [{name: id, data_tests: [unique]}]}]\n",
    "models/all_sold.sql": "{{ config(materialized='view') }} select sum(amount) as amount from {{ ref('sold') }}\n",
    "ingestion/shop.py": """
        import dlt

        @dlt.source
        def shop():
            return orders

        @dlt.resource(write_disposition="append")
        def orders(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n, "amount": 1.5 * n} for n in range(3)]
        """,
    "expectations/sold.json": """
        {"name": "sold", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}]}
        """,
}
FORMATS = {"v1.0.0": 64, "v1.4.0": 67, "v1.5.0": 68}
"""The number in the header of a file, by the release whose format it is."""
MATRIX = Path(__file__).parents[2] / ".venv-matrix"
PYTHONS = (
    sys.executable,
    *(str(MATRIX / name / "bin/python") for name in ("duckdb-1.5", "lowest")),
    str(MATRIX.with_name(".venv") / "bin/python"),
)


@pytest.fixture
def mini(tmp_path):
    """Write the project with an elt.yml and what a profile says besides the path of its file."""

    def write(elt_yml: str = "", profile: str = ""):
        target = f"{{type: duckdb, path: mini.duckdb, threads: 1{profile}}}"
        extra = {"elt.yml": elt_yml, "profiles.yml": f"mini: {{target: dev, outputs: {{dev: {target}}}}}\n"}
        for name, text in {**FILES, **extra}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(dedent(text))
        return tmp_path

    return write


def format_of(file: Path) -> int:
    """Return the number of the storage format in the header of a DuckDB file."""
    return int.from_bytes(file.read_bytes()[12:20], "little")


def created(file: Path, release: str = "latest") -> Path:
    """Create a database in the format of a release."""
    with duckdb.connect(str(file), config={"storage_compatibility_version": release}) as connection:
        connection.execute("create table one as select 1 as id")
    return file


@cache
def python_with(major: str) -> str:
    """Return an interpreter of this checkout that has this major release of DuckDB; without one, skip the test."""
    for python in PYTHONS:
        code = "import duckdb, sys; sys.exit(duckdb.__version__.partition('.')[0] != sys.argv[1])"
        if Path(python).exists() and subprocess.run([python, "-c", code, major], check=False).returncode == 0:
            return python
    return pytest.skip(f"no environment with DuckDB {major}: `make .venv-matrix/duckdb-1.5/.installed` makes one")


def elt_with(python: str, *words: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run `elt` of another environment."""
    command = [python, "-m", "orchestrator", *words, "--project-dir", str(project)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})


@pytest.mark.parametrize("release", FORMATS)
def test_a_run_creates_the_database_in_the_format_of_the_release(elt, mini, release):
    """Loads, builds, tests, validations and the record in the target are all in this one file."""
    project = mini(f"storage_version: {release}\n")
    elt("run", project=project).reports("ingest 1", "validation 1", code=0)
    assert format_of(project / "mini.duckdb") == FORMATS[release]
    words = ("--no-ingest", "--skip-unchanged", "--verify-reuse", "100%")
    elt("run", *words, project=project).reports("verified", code=0)
    assert format_of(project / "mini.duckdb") == FORMATS[release]


@pytest.mark.parametrize(
    "words", [("dbt", "run"), ("dbt", "run-operation", "touch"), ("seed",), ("run", "--no-ingest")]
)
def test_every_command_that_creates_the_database_uses_the_format(elt, mini, words):
    """Also those that are passed to dbt."""
    project = mini("storage_version: v1.4.0\n")
    for name, text in (
        ("macros/touch.sql", "{% macro touch() %}{% do run_query('select 1') %}{% endmacro %}"),
        ("seeds/few.csv", "id\n1\n"),
        ("models/sold.sql", "select 1 as id, 2 as amount"),
    ):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    elt(*words, project=project)
    assert format_of(project / "mini.duckdb") == FORMATS["v1.4.0"]


def test_databases_that_the_profile_attaches_are_created_in_the_format_too(elt, mini):
    """dbt attaches them."""
    project = mini("storage_version: v1.4.0\n", ", attach: [{path: other.duckdb}]")
    (project / "models/beside.sql").write_text("{{ config(database='other') }} select 1 as id")
    elt("run", "--select", "beside", project=project).reports("success", code=0)
    assert format_of(project / "other.duckdb") == FORMATS["v1.4.0"]


def test_the_format_changes_neither_the_saved_parse_nor_what_is_reused(elt, mini):
    """dbt parses again when a connection changes, so it reads the profile as it is written."""
    project = mini()
    created(project / "mini.duckdb", "v1.0.0")
    elt("run", project=project).reports("success", code=0)
    parsed = (project / "target/partial_parse.msgpack").stat().st_ino
    (project / "elt.yml").write_text("storage_version: v1.4.0\n")
    elt("run", "--no-ingest", "--skip-unchanged", project=project).reports("4 reused", code=0)
    assert (project / "target/partial_parse.msgpack").stat().st_ino == parsed


def test_a_view_whose_text_an_older_format_changes_is_reused_and_verified(elt, mini):
    """DuckDB resolves types and numbers of views when it stores them in an older format."""
    project = mini("storage_version: v1.2.0\n")
    (project / "models/all_sold.sql").write_text(
        "{{ config(materialized='view') }} select cast('2026-01-02' as date) as day, 1_000 as many,"
        " cast(id as numeric) as id, amount::text as amount from {{ ref('sold') }}"
    )
    assert elt("run", project=project).code == 0
    words = ("run", "--select", "all_sold", "--skip-unchanged", "--no-ingest", "--verify-reuse", "100%")
    said = elt(*words, project=project)
    assert said.code == 0, said.out
    assert [line for line in said.out.splitlines() if "model all_sold" in line and "verified: built again" in line]


def test_an_existing_file_in_an_older_format_keeps_it(elt, mini):
    """Every release that reads the newer format reads the older one as well."""
    project = mini("storage_version: v1.5.0\n")
    created(project / "mini.duckdb", "v1.0.0")
    elt("run", project=project).reports("success", code=0)
    assert format_of(project / "mini.duckdb") == FORMATS["v1.0.0"]


@pytest.mark.parametrize("verb", ["plan", "run", "test", "ingest"])
def test_an_existing_file_in_a_newer_format_is_refused(elt, mini, verb):
    """It would keep that format, which the promised readers cannot read; the message has the SQL that converts it."""
    project = mini("\nstorage_version: v1.4.0\n")
    file = created(project / "mini.duckdb", "v1.5.0")
    before = file.read_bytes()
    elt(verb, project=project).refuses(
        "E096",
        f"The database {file} has the storage format of DuckDB v1.5.0",
        f"{project}/elt.yml:2 has `storage_version: v1.4.0`",
        f"ATTACH '{file}' AS old; CHECKPOINT old; ATTACH 'new.duckdb' AS new (STORAGE_VERSION 'v1.4.0');"
        " COPY FROM DATABASE old TO new;",
    )
    assert file.read_bytes() == before


def test_an_attached_file_in_a_newer_format_is_refused_unless_it_is_only_read(elt, mini):
    """A file that no run writes to promises nothing to its readers."""
    project = mini("storage_version: v1.4.0\n", ", attach: [{path: other.duckdb}]")
    created(project / "other.duckdb", "v1.5.0")
    said = elt("run", "--no-ingest", "--select", "sold", project=project)
    assert said.code != 0
    assert "other.duckdb has the storage format of DuckDB v1.5.0" in said.out + said.err
    assert "Traceback" not in said.out + said.err
    mini("storage_version: v1.4.0\n", ", attach: [{path: other.duckdb, read_only: true}]")
    elt("run", project=project).reports("success", code=0)


def test_the_sql_of_the_message_converts_a_database_that_a_killed_process_left(tmp_path, monkeypatch):
    """Its write-ahead log belongs to the old file: beside the new one, it would keep DuckDB from opening it."""
    file = created(tmp_path / "it's.duckdb", "v1.5.0")
    writes = "left = duckdb.connect(sys.argv[1]); left.execute('insert into one values (2)'); os._exit(9)"
    subprocess.run([sys.executable, "-c", f"import duckdb, os, sys; {writes}", str(file)], check=False)
    assert Path(f"{file}.wal").exists()
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(conversion(str(file), "v1.4.0"))
    (tmp_path / "new.duckdb").replace(file)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("select id from one order by id").fetchall() == [(1,), (2,)]
    assert format_of(file) == FORMATS["v1.4.0"]


def test_the_sql_of_the_message_converts_a_database_with_all_that_elt_recorded_in_it(elt, mini, tmp_path, monkeypatch):
    """Tables, views and markers: what was built before is reused from the copy."""
    project = mini()
    created(project / "mini.duckdb", "v1.5.0")
    elt("run", project=project).reports("success", code=0)
    (project / "elt.yml").write_text("storage_version: v1.4.0\n")
    statements = elt("plan", project=project).err.splitlines()[-1]
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(statements)
    (tmp_path / "new.duckdb").replace(project / "mini.duckdb")
    elt("run", "--no-ingest", "--skip-unchanged", project=project).reports("4 reused", code=0)
    assert format_of(project / "mini.duckdb") == FORMATS["v1.4.0"]


def test_the_sql_of_the_message_copies_what_a_killed_process_left_in_the_log(elt, mini):
    """No log of the original is left beside the copy, which DuckDB would then refuse to open."""
    project = mini("storage_version: v1.4.0\n")
    file = created(project / "mini.duckdb", "v1.5.0")
    statements = elt("plan", project=project).err.splitlines()[-1].replace("new.duckdb", str(project / "new.duckdb"))
    killed = f"import duckdb, os; c = duckdb.connect({str(file)!r}); c.execute('create table two as select 2'); "
    subprocess.run([sys.executable, "-c", f"{killed} os._exit(1)"], check=False)
    assert file.with_name("mini.duckdb.wal").exists()
    with duckdb.connect() as connection:
        connection.execute(statements)
    (project / "new.duckdb").replace(file)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("select * from two").fetchall() == [(2,)]


@pytest.mark.parametrize("value", ["v1.5", "1.5.0", "'1.5'", "newest", "v0.9.2", "2"])
def test_a_value_that_is_no_release_is_a_mistake_with_its_line(elt, mini, value):
    """DuckDB writes its releases with a v and three numbers."""
    project = mini(f"keep_runs: 10\nstorage_version: {value}\n")
    elt("plan", project=project).refuses("elt.yml:2: 'storage_version' is", "such as v1.5.0, or latest")
    assert not (project / "mini.duckdb").exists()


@pytest.mark.parametrize("words", [("plan",), ("run",), ("dbt", "run"), ("ls",)])
def test_a_release_that_the_installed_duckdb_does_not_know_is_a_mistake_with_its_line(elt, mini, words):
    """It could not write that format."""
    project = mini("keep_runs: 10\nstorage_version: v99.0.0\n")
    said = elt(*words, project=project)
    place = f"Error [E030]: {project}/elt.yml:2: 'storage_version': DuckDB {duckdb.__version__} does not know"
    assert said.code == 2
    assert place in said.err
    assert "the newest that it knows is" in said.err
    assert not (project / "mini.duckdb").exists()


@pytest.mark.parametrize(
    ("profile", "where"),
    [
        (", config_options: {storage_compatibility_version: v1.0.0}", "config_options"),
        (", settings: {Storage_Compatibility_Version: v1.0.0}", "settings"),
        (", attach: [{path: other.duckdb, options: {storage_version: v1.0.0}}]", "attach"),
    ],
)
def test_a_profile_that_names_another_format_is_refused(elt, mini, profile, where):
    """What a connection is like is said once."""
    project = mini("storage_version: v1.4.0\n", profile)
    elt("plan", project=project).refuses(
        f"{project}/elt.yml:1", "v1.4.0", f"`{where}`", "v1.0.0", "one of the two files"
    )
    said = elt("dbt", "run", project=project)
    assert said.code == 2
    assert f"`{where}`" in said.out + said.err
    assert "Traceback" not in said.out + said.err


def test_a_profile_may_name_the_same_format_or_all_of_it(elt, mini):
    """Without `storage_version`, the profile's own option has its effect."""
    option = ", config_options: {storage_compatibility_version: v1.4.0}"
    project = mini("storage_version: v1.4.0\n", option)
    elt("run", project=project).reports("success", code=0)
    (project / "mini.duckdb").unlink()
    mini("", option)
    elt("run", project=project).reports("success", code=0)
    assert format_of(project / "mini.duckdb") == FORMATS["v1.4.0"]


def test_duckdb_1_reads_and_continues_what_duckdb_2_created_for_it(mini):
    """All of it: tables, views, markers, and what dlt keeps; and DuckDB 2 continues in turn."""
    two, one = python_with("2"), python_with("1")
    project = mini("storage_version: v1.5.0\n")
    for python in (two, one, two):
        said = elt_with(python, "run", project=project)
        assert said.returncode == 0, said.stdout + said.stderr
        query = "import duckdb; print(duckdb.connect('mini.duckdb').sql('from all_sold').fetchall())"
        read = subprocess.run([one, "-c", query], cwd=project, capture_output=True, text=True, check=True)
        assert read.stdout == "[(4.5,)]\n"
    assert format_of(project / "mini.duckdb") == FORMATS["v1.5.0"]


def test_a_database_too_new_for_the_installed_duckdb_is_refused_with_both_releases(mini):
    """`elt` says which file, which releases, and what to do; also where dbt opens or attaches the file."""
    two, one = python_with("2"), python_with("1")
    project = mini()
    assert elt_with(two, "run", project=project).returncode == 0
    for words in (("plan",), ("run",), ("test",)):
        said = elt_with(one, *words, project=project)
        told = " ".join(said.stderr.split())
        assert (said.returncode, said.stderr[:13]) == (2, "Error [E095]:"), told
        assert f"cannot read the database {project}/mini.duckdb: DuckDB 2." in told
        assert "`storage_version: v1.5.0` in elt.yml" in told
        assert "Traceback" not in said.stdout + said.stderr
    passed = elt_with(one, "dbt", "run", project=project)
    assert passed.returncode == 2
    assert "cannot read the database" in passed.stdout
    assert "Traceback" not in passed.stdout + passed.stderr
    (project / "mini.duckdb").replace(project / "other.duckdb")
    mini("", ", attach: [{path: other.duckdb}]")
    attached = elt_with(one, "run", "--no-ingest", project=project)
    assert attached.returncode != 0
    assert "other.duckdb: DuckDB 2." in " ".join((attached.stdout + attached.stderr).split())
    assert "Traceback" not in attached.stdout + attached.stderr
