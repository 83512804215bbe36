"""dbt's own commands through elt, its docs, and all verbs from any folder."""

import json
import signal
import socket
import urllib.request

import pytest

from tests.cli.conftest import Said, ended, start
from tests.functional.shop import FILES, RAW, write_shop

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    built = """
        create view stg_orders as select id as order_id, customer_id from raw.orders;
        create view stg_customers as select id as customer_id from raw.customers;
        """
    return write_shop(tmp_path_factory.mktemp("shop"), {"models/wrong.sql": "selec 1"}, raw=RAW + built)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--quiet", "run", "--select", "stg_orders"), 0),
        (("--quiet", "run", "--select", "wrong"), 1),
        (("--quiet", "ls", "--select", "bogus:nope"), 2),
        (("run", "--bogus"), 2),
        (("nope",), 2),
    ],
)
def test_exit_codes_of_dbt(elt, shop, words, code):
    """A failed node is 1, what dbt cannot handle and wrong usage are 2."""
    assert elt("dbt", *words, project=shop).code == code


def test_dbt_without_a_project(elt, tmp_path, monkeypatch):
    """What needs no project asks for none: the version, the help."""
    monkeypatch.chdir(tmp_path)
    assert "Core:" in elt("dbt", "--version").out
    assert "Commands:" in elt("dbt").out


def test_docs(elt, shop):
    """docs generate writes the catalog and the site, as one page with --static, and says where that is."""
    said = elt("docs", "generate", "--static", "--exclude", "wrong", project=shop)
    assert said.code == 0
    for file in ("catalog.json", "index.html", "static_index.html"):
        assert (shop / "target" / file).stat().st_size
    assert said.out.splitlines()[-1] == f"The docs as one page: {shop}/target/static_index.html"


def test_the_static_page_is_where_the_options_put_it(elt, shop):
    """--target-path is heeded."""
    said = elt("docs", "generate", "--static", "--target-path", "elsewhere", "--exclude", "wrong", project=shop)
    assert said.out.splitlines()[-1] == f"The docs as one page: {shop}/elsewhere/static_index.html"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_docs_are_generated_and_served_until_ctrl_c(tmp_path, number):
    """docs serve makes what is missing, answers on loopback, and ends quietly with 0."""
    shop = write_shop(tmp_path, raw=RAW)
    port = free_port()
    server = start("docs", "serve", "--no-browser", "--port", port, project=shop)
    for line in server.stdout:
        if "Serving docs" in line:
            break
    for page in ("index.html", "catalog.json"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}") as answer:
            assert b"dbt" in answer.read()
    server.send_signal(number)
    said = ended(server)
    assert said.code == 0
    assert said.err == (f"There are no docs in {shop}/target yet: generating them (dbt docs generate).\nStopped.\n")


def test_docs_on_a_port_that_is_in_use(elt, shop):
    """One line says so, and the next one which to try."""
    assert elt("docs", "generate", "--exclude", "wrong", project=shop).code == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = elt("docs", "serve", "--no-browser", f"--port={port}", project=shop)
    said.refuses(f"Cannot serve the docs at 127.0.0.1, port {port}: Address already in use.", "--port")


PASSED = "elt passes this to dbt: dbt {}.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("compile", "--select", "stg_orders"), "Compiled node 'stg_orders' is:"),
        (("parse",), "Performance info"),
        (("debug",), "All checks passed!"),
        (("deps",), "No packages were found"),
        (("show", "--inline", "select 41 + 1 as answer"), "answer"),
        (("show", "--select", "stg_orders", "--limit", "1"), "Previewing node 'stg_orders'"),
        (("compile", "--help"), "Generates executable SQL"),
    ],
)
def test_a_dbt_command_is_passed_to_dbt_with_a_note(elt, shop, words, told):
    """One line on stderr says who does it; dbt's output and exit code follow."""
    said = elt(*words, project=shop)
    assert (said.code, said.err) == (0, PASSED.format(words[0]))
    assert told in said.out


@pytest.mark.parametrize(
    ("words", "code"), [(("compile", "--bogus"), 2), (("compile", "--select", "wrong", "--target", "nope"), 2)]
)
def test_exit_codes_of_a_command_that_is_passed_to_dbt(elt, shop, words, code):
    """They are mapped as those of `elt dbt`."""
    said = elt(*words, project=shop)
    assert said.code == code
    assert said.err.startswith(PASSED.format("compile"))


def test_a_quiet_command_of_dbt_is_quiet(elt, shop):
    """With -q nothing is said but what dbt answers."""
    said = elt("compile", "-q", "--select", "stg_orders", project=shop)
    assert (said.code, said.err) == (0, "")


WARNING = "which is not recorded and takes no lease on what it writes"


def test_a_command_that_writes_without_a_record_says_so(elt, tmp_path):
    """Also with -q, for it could go unnoticed beside a run."""
    shop = write_shop(tmp_path, {"macros/make.sql": "{% macro make() %}{% do run_query('select 1') %}{% endmacro %}"})
    said = elt("run-operation", "make", "-q", project=shop)
    assert (said.code, said.err) == (0, f"elt passes this to dbt: dbt run-operation, {WARNING}.\n")
    said = elt("dbt", "--quiet", "build", "--select", "stg_orders", project=shop)
    assert said.err == "dbt build is not recorded, and takes no lease on what it writes.\n"


def test_clean_deletes_what_dbt_wrote_and_keeps_the_record(elt, tmp_path):
    """The record of runs is none of dbt's."""
    shop = write_shop(tmp_path)
    elt("run", "--select", "stg_orders", project=shop)
    assert elt("clean", project=shop).code == 0
    assert not (shop / "target").exists()
    assert (shop / ".elt/history.db").exists()


SEEDED = {
    "seeds/colours.csv": "id,name\n1,red\n",
    "seeds/sizes.csv": "id,name\n1,small\n",
    "seeds/seeds.yml": "seeds: [{name: colours, columns: [{name: id, data_tests: [unique]}]}]",
    "snapshots/past.yml": """
        snapshots:
          - {name: past, relation: ref('colours'), config: {unique_key: id, strategy: check, check_cols: all}}
        """,
}


@pytest.mark.parametrize(("verb", "node"), [("seed", "colours"), ("snapshot", "past")])
def test_seeds_and_snapshots_alone_are_recorded_runs(elt, tmp_path, verb, node):
    """They build what dbt's commands of that name build, without their tests; the line on stderr says how."""
    shop = write_shop(tmp_path, SEEDED)
    elt("run", "--select", "colours", project=shop)
    said = elt(verb, "--json", project=shop)
    assert said.code == 0
    assert said.err == (
        f"elt {verb} is a run of its own, recorded and leased:"
        f" elt run --resource-type {verb} --upstream none --no-ingest --no-freshness --no-tests\n"
    )
    events = [json.loads(line) for line in said.out.splitlines()]
    built = {event["name"] for event in events if event["event"] == "step_ended"}
    assert built == ({"colours", "sizes"} if verb == "seed" else {"past"})
    recorded = json.loads(elt("history", "--limit", "1", "--json", project=shop).out)
    assert recorded["run_id"] == events[0]["run_id"]
    assert elt(verb, "-q", "--select", node, project=shop) == Said(0, "", "")


def test_commands_that_dbt_spells_differently(elt, shop):
    """`list` is ls, and `source freshness` is freshness."""
    assert elt("list", "--select", "stg_orders", project=shop).out.splitlines()[0] == "shop.staging.stg_orders"
    assert "Nothing to do" in elt("source", "freshness", "--allow-empty", project=shop).out


def test_a_folder_of_state_is_named_from_where_dbt_is_called(elt, tmp_path, monkeypatch, shop):
    """dbt works in the folder of the project, whoever calls it from where."""
    assert elt("parse", project=shop).code == 0
    (tmp_path / "before").mkdir()
    (tmp_path / "before/manifest.json").write_bytes((shop / "target/manifest.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    for words in ("--state", "before"), ("--state=before",):
        said = elt("compile", "-q", "--select", "state:modified", *words, project=shop)
        assert said.code == 0, said.out


def test_the_profile_beside_the_caller_is_found(elt, tmp_path, monkeypatch):
    """As dbt finds it, and as elt's own verbs do."""
    project = write_shop(tmp_path / "project", {"profiles.yml": None})
    (tmp_path / "profiles.yml").write_text(FILES["profiles.yml"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    assert elt("compile", "-q", "--select", "stg_orders", project=project).code == 0


VERBS = [
    ("run",),
    ("build",),
    ("plan",),
    ("ls",),
    ("test",),
    ("docs", "generate"),
    ("dbt", "ls"),
    ("freshness", "--allow-empty"),
    ("seed", "--allow-empty"),
    ("compile", "-q"),
]


@pytest.mark.parametrize("words", VERBS)
def test_from_any_folder(elt, tmp_path, monkeypatch, shop, words):
    """Every verb works with --project-dir; relative paths of the profile stay inside the project."""
    monkeypatch.chdir(tmp_path)
    chosen = () if "freshness" in words else ("--select", "stg_orders")
    said = elt(*words, *chosen, project=shop)
    assert said.code == 0, said.out + said.err
    assert not list(tmp_path.iterdir())
    if words[0] in {"run", "build", "plan", "test"}:
        assert str(shop / "shop.duckdb") in said.out
