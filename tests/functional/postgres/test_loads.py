"""A load into PostgreSQL that is killed and repeated leaves every row exactly once."""

import threading
import time
from contextlib import closing

import pytest
from dlt.common.storages.load_package import ParsedLoadJobFileName

from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.adapters.dlt.load import IngestRunner
from orchestrator.adapters.postgres.login_access import LoginAccess
from orchestrator.plan.status import Status
from tests.functional.dlt.ingest_project import Project
from tests.functional.dlt.test_killed_load import PLACES, SHOP

pytestmark = pytest.mark.functional

# Where a database could double rows: after a job's commit, after the jobs that follow, and before the last note.
CHOSEN = [place for place in PLACES if place.split(":")[2].split()[0] == "_release"]
CHOSEN += ["dlt.load.load:Load:create_followup_jobs after", "dlt.load.load:Load:complete_package before"]
ARROW = """
    import datetime as dt
    import decimal

    import dlt
    import pyarrow as pa

    @dlt.resource(write_disposition="append")
    def readings():
        yield pa.table({
            "id": range(20_000),
            "said": ["it's, \\"odd\\"; \\\\ \\n"] * 20_000,
            "at": [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * 20_000,
            "price": [decimal.Decimal("1.10")] * 19_999 + [None],
        })
"""


@pytest.fixture(scope="module")
def host(own_state):
    host = IngestionHost()
    host.start()
    yield host
    host.close()


class ServerProject(Project):
    """A project folder whose loads go to a database of the server."""

    def __init__(self, root, host, server, login):
        super().__init__(root=root, host=host)
        self.server, self.login = server, login

    def runner(self):
        return IngestRunner(
            host=self.host, access=LoginAccess(self.login), project_root=self.root, log_dir=self.root / "logs"
        )

    def rows(self, sql):
        return self.server.rows(sql, self.login.database)


@pytest.fixture(scope="module")
def database(new_database):
    return new_database()


@pytest.fixture
def project(tmp_path, host, server, login_to, database):
    yield ServerProject(tmp_path, host, server, login_to(database))
    server.rows("drop schema if exists raw, raw_staging cascade", database)


@pytest.mark.parametrize(("place", "loads_before"), [(place, n % 2) for n, place in enumerate(CHOSEN)])
def test_a_killed_load_is_finished_without_doubling_rows(project, place, loads_before):
    """Wherever the process is killed, the next load settles what it left, by every write disposition."""
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "3")
    for _ in range(loads_before):
        assert project.load().status is Status.SUCCESS
    project.write("last", "5")
    project.write("die", place)
    killed = project.load()
    (project.root / "die").unlink()
    project.write("last", "7")
    repeated = project.load()

    assert killed.status is Status.ERROR
    assert repeated.status is Status.SUCCESS, repeated.message
    for table in ("events", "stocks", "orders", "keyless"):
        counted = project.rows(f"select id, count(*) from raw.{table} group by id order by id")
        assert (table, counted) == (table, [(n, 1) for n in range(1, 8)])
        assert project.rows(f"select count(*) from raw.{table}__parts") == [(14,)]
    loads = project.rows("select load_id from raw._dlt_loads where status = 0 order by 1")
    assert project.rows("select distinct _dlt_load_id from raw.heaps order by 1") == loads
    assert project.rows("select id from raw.heaps group by _dlt_load_id, id having count(*) > 1") == []
    assert project.rows("select count(*) from raw._elt_load_jobs") == [(0,)]


def test_an_arrow_table_arrives_complete(project):
    """Quotes, line ends, decimals, times and nulls of an Arrow table arrive, with the id of their load."""
    project.write("ingestion/shop.py", ARROW)
    outcome = project.load("readings")
    assert outcome.status is Status.SUCCESS, outcome.message
    assert outcome.rows_affected == 20_000
    [(rows, ids, said, at, price, missing)] = project.rows("""
        select count(*), count(distinct id), min(said), min(at)::text, sum(price)::text, count(*) - count(price)
        from raw.readings join raw._dlt_loads on load_id = _dlt_load_id
    """)
    assert (rows, ids, missing) == (20_000, 20_000, 1)
    assert (said, at[:19], float(price)) == ('it\'s, "odd"; \\ \n', "2026-01-01 00:00:00", pytest.approx(21998.9))


def test_a_role_without_privileges_gets_a_clear_error(project, server):
    """What the server refuses is the step's error, in the server's words."""
    server.rows("create role reader login password 'reader'")
    project.login = type(project.login)(
        host=server.host, port=server.port, user="reader", password="reader", database=project.login.database
    )
    project.write("ingestion/shop.py", "import dlt\n\n@dlt.resource\ndef shop():\n    yield {'id': 1}\n")
    outcome = project.load()
    assert outcome.status is Status.ERROR
    assert "permission denied for database" in outcome.message


def test_a_marker_of_another_session_counts_once_it_is_committed(project):
    """A killed load may have left its last commit at the server: the next one waits for it, and doubles nothing."""
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "1")
    assert project.load().status is Status.SUCCESS
    project.write("last", "2")
    project.write("die", "dlt.load.load:Load:run before")
    assert project.load().status is Status.ERROR
    (project.root / "die").unlink()
    (package,) = (project.root / ".elt" / "dlt").glob("*/elt_shop/load/normalized/*")
    (file,) = package.glob("new_jobs/heaps.*")
    left = project.server.connect(project.login.database)
    with closing(left), left.cursor() as cursor:
        left.autocommit = False
        mark = [package.name, ParsedLoadJobFileName.parse(str(file)).job_id()]
        cursor.execute("insert into raw._elt_load_jobs values (%s, %s, 'heaps', 2)", mark)
        loading = threading.Thread(target=lambda: outcomes.append(project.load()))
        outcomes = []
        loading.start()
        while not project.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'elt_load'"):
            time.sleep(0.02)
        left.commit()
        loading.join()
    assert [outcome.status for outcome in outcomes] == [Status.SUCCESS], outcomes
    assert project.rows("select count(*) from raw.heaps") == [(1 + 2,)]  # without the two of the job that was marked
