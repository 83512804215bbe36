"""A database that cannot be reached is one clear error, before anything runs; the password is never in it."""

from dataclasses import replace

import pytest

from orchestrator.adapters.postgres.server import PostgresServer
from orchestrator.cli.main import run_command_line
from orchestrator.errors import WarehouseError
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import write_shop

pytestmark = pytest.mark.functional

WRONG = "a wrong secret"
AT = "Cannot connect to PostgreSQL at 127.0.0.1, port {port}, database {database}, user {user}"


@pytest.fixture(scope="module")
def shop(server, new_database, tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("refused") / "project", server, new_database())


def test_a_wrong_password(shop, capfd):
    """The error names host, port, user, database, target and profile, and what to do; the exit code is 2."""
    with shop.entered(SHOP_PASSWORD=WRONG):
        code = run_command_line(["run", "--project-dir", str(shop.folder), "--select", "stg_rates"])
    said = " ".join(capfd.readouterr().err.split())
    named = AT.format(port=shop.server.port, user="postgres", database=shop.database)
    assert code == 2
    assert f"{named} (target dev of the profile shop): password authentication failed for user" in said
    assert "Check `user` and `password`" in said
    assert "Traceback" not in said
    assert WRONG not in said + "".join(path.read_text() for path in shop.folder.rglob("*.log"))


@pytest.mark.parametrize(
    ("changes", "reason", "hint"),
    [
        ({"database": "nowhere"}, 'database "nowhere" does not exist', "`dbname`"),
        ({"role": "nobody_at_all"}, 'role "nobody_at_all" does not exist', "`role`"),
        ({"port": 1}, "Connection refused", "Start the server"),
        ({"host": "no.such.host.invalid"}, "could not translate host name", "`host`"),
        ({"ssl": {"sslmode": "require"}}, "server does not support SSL", "`sslmode`"),
    ],
)
def test_a_database_that_cannot_be_reached(login_to, changes, reason, hint):
    """Whatever the reason, it is told in one sentence with what to do."""
    login = replace(login_to("postgres"), **changes)
    with pytest.raises(WarehouseError) as refused:
        PostgresServer(login, target="target dev of the profile shop").require_open()
    named = f"Cannot connect to PostgreSQL at {login.host}, port {login.port}, database {login.database}, user postgres"
    assert refused.value.message.startswith(f"{named} (target dev of the profile shop): ")
    assert reason in refused.value.message
    assert hint in refused.value.hint
    assert PASSWORD not in str(refused.value) + repr(login)


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
    """A user's dlt pipeline that names DuckDB does not load into PostgreSQL: the run does not start."""
    made = "import dlt\n\np = dlt.pipeline('rates', destination='duckdb', dataset_name='rates')\n\n\n"
    shop.write("ingestion/rates.py", made + (shop.folder / "ingestion/rates.py").read_text())
    with shop.entered():
        code = run_command_line(["run", "--project-dir", str(shop.folder), "--select", "stg_rates"])
    said = " ".join(capfd.readouterr().err.split())
    assert code == 2
    assert "dlt pipeline rates names the destination duckdb" in said
    assert "set it to postgres" in said
