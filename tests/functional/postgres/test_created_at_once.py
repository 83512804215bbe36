"""Two runs create the same schemas and tables at the same moment: both go on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from orchestrator.adapters.postgres.server import PostgresServer
from orchestrator.adapters.record_sql import COLUMNS, DIALECTS, LOADS, STANDING, Home, makes_schema, makes_table
from orchestrator.adapters.target_record import SqlTargetRecord
from tests.functional.postgres.server import Server
from tests.functional.postgres.test_two_runs import desk, said, started, until

pytestmark = pytest.mark.functional
WAITS = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = '{database}'"


@contextmanager
def creating(server: Server, database: str, *statements: str) -> Iterator[None]:
    """Create something in a transaction that is committed at the end."""
    with closing(server.connect(database)) as connection:
        connection.autocommit = False
        for statement in statements:
            connection.cursor().execute(statement)
        yield
        connection.commit()


def makes(what: str, database: str) -> tuple[str, list[str]]:
    """Return what is there, and what another run is about to create."""
    dialect = DIALECTS["postgres"]
    schema = makes_schema(dialect, Home(database=database))
    last_success, loads = (makes_table(dialect, Home(database=database), table) for table in (STANDING, LOADS))
    match what:
        case "schema":
            return "select 1", [schema]
        case "all":
            return "select 1", [schema, last_success, loads]
        case "one table":
            return schema, [last_success]
        case "the other table":
            return f"{schema}; {last_success}", [loads]
        case _:
            drop = 'alter table _elt.standing drop column "content"'
            return f"{schema}; {last_success}; {loads}; {drop}", [
                'alter table _elt.standing add column "content" varchar'
            ]


@pytest.mark.parametrize("what", ["schema", "all", "one table", "the other table", "a column"])
def test_our_tables_are_created_once(server: Server, new_database, login_to, what: str) -> None:
    """Whichever of them another run is creating, this one uses it, and warns of nothing."""
    database = new_database()
    there, created = makes(what, database)
    server.rows(there, database)
    told: list[str] = []
    record = SqlTargetRecord(
        PostgresServer(login_to(database), target="dev").ask,
        DIALECTS["postgres"],
        lambda _step: database,
        main=database,
        tell=told.append,
    )
    with ThreadPoolExecutor(1) as pool:
        with creating(server, database, *created):
            making = pool.submit(record.make, [database])
            until(lambda: bool(server.rows(WAITS.format(database=database))))
        making.result(60)
    assert told == []
    assert record.is_made(database)
    columns = server.rows(
        "select table_name, column_name from information_schema.columns where table_schema = '_elt'", database
    )
    assert set(columns) >= {(table, column) for table in COLUMNS for column in COLUMNS[table]}


def test_many_runs_may_create_the_tables_at_once(server: Server, new_database, login_to) -> None:
    """Each of eight finds them made."""
    for _ in range(3):
        database = new_database()
        told: list[str] = []
        records = [
            SqlTargetRecord(
                PostgresServer(login_to(database), target="dev").ask,
                DIALECTS["postgres"],
                lambda _step: None,
                main=database,
                tell=told.append,
            )
            for _ in range(8)
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda record, names: record.make(names), records, [[database]] * 8))
        assert told == []
        assert all(record.is_made(database) for record in records)


def test_the_schemas_of_models_are_created_once(tmp_path: Path, server: Server, new_database) -> None:
    """Another run commits the schema while dbt creates it: the run builds there."""
    one = desk(tmp_path / "one", server, new_database())
    one.write({"models/alone.sql": "select 1 as n"})
    run = one.start("run", "ada", "--select", "alone")
    with started(run):
        with creating(server, one.database, "create schema ada"):
            until(lambda: bool(one.rows(WAITS.format(database=one.database))), run)
        said(run)
    assert one.rows("select n from ada.alone") == [(1,)]
