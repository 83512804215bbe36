"""A database that cannot be reached is one clear error, before anything runs; the password is never in it."""

import pytest

from orchestrator.cli.main import run_command_line
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import write_shop

pytestmark = pytest.mark.functional

WRONG = "a wrong secret"
AT = "PostgreSQL at 127.0.0.1, port {port}, does not let the user {user} into the database {database}"


@pytest.fixture(scope="module")
def shop(server, new_database, tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("refused") / "project", server, new_database())


@pytest.mark.parametrize(
    ("changes", "reason", "hint"),
    [
        ({"SHOP_PASSWORD": WRONG}, "password authentication failed", "`password`"),
        ({"SHOP_DATABASE": "nowhere"}, 'database "nowhere" does not exist', "`dbname`"),
        ({"SHOP_PORT": "1"}, "Connection refused", "Start the server"),
    ],
    ids=["wrong password", "no such database", "no server"],
)
def test_a_database_that_cannot_be_reached(shop, capfd, changes, reason, hint):
    """The error names host, port, user, database, target and profile, and what to do; the exit code is 2."""
    with shop.entered(**changes):
        code = run_command_line(["run", "--project-dir", str(shop.folder), "--select", "stg_rates"])
    said = " ".join(capfd.readouterr().err.split())
    variables = shop.variables(**changes)
    named = AT.format(port=variables["SHOP_PORT"], user="postgres", database=variables["SHOP_DATABASE"])
    assert code == 2
    assert f"{named} (target dev of the profile shop): " in said
    assert reason in said
    assert hint in said
    assert "Traceback" not in said
    kept = said + "".join(path.read_text() for path in shop.folder.rglob("*.log"))
    assert PASSWORD not in kept
    assert WRONG not in kept


def test_a_listing_needs_no_server(shop, capfd):
    """`elt ls` asks the project only."""
    with shop.entered(SHOP_PORT="1"):
        code = run_command_line(["ls", "--project-dir", str(shop.folder), "--select", "stg_rates+", "ingest:rates.*"])
    assert code == 0
    assert capfd.readouterr().out.split() == [
        "shop.marts.fct_rates",
        "shop.staging.stg_rates",
        "shop.staging.unique_stg_rates_currency",
        "ingest:rates.rates",
    ]


def test_a_pipeline_for_another_destination_is_refused(shop, capfd):
    """A user's dlt pipeline may name postgres here, and not duckdb."""
    made = "import dlt\n\np = dlt.pipeline('rates', destination='{}', dataset_name='rates')\n\n\n"
    text = (shop.folder / "ingestion/rates.py").read_text()
    with shop.entered():
        words = ["plan", "--project-dir", str(shop.folder), "--select", "stg_rates"]
        shop.write("ingestion/rates.py", made.format("duckdb") + text.removeprefix("import dlt\n"))
        refused = run_command_line(["run", *words[1:]])
        told = " ".join(capfd.readouterr().err.split())
        shop.write("ingestion/rates.py", made.format("postgres") + text.removeprefix("import dlt\n"))
        run_command_line(words)
    assert refused == 2
    assert "dlt pipeline rates names the destination duckdb" in told
    assert "set it to postgres" in told
    assert "cannot run yet" not in capfd.readouterr().out
