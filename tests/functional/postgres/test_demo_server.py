"""`make postgres` and `make stop-postgres` start and stop a server for the reference project."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from demo import postgres
from demo.postgres_cluster import Cluster

pytestmark = pytest.mark.functional
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Demo:
    """The commands, with a port and a note of what runs that are the test's own."""

    port: int
    note: Path

    def command(self, name, **changes):
        variables = {"DEMO_PG_PORT": str(self.port), "DEMO_PG_RUNNING": str(self.note), **changes}
        return subprocess.run(
            [sys.executable, "-m", "demo.postgres", name],
            cwd=REPOSITORY,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def demo(tmp_path):
    with socket.socket() as free:
        free.bind((postgres.HOST, 0))
        port = free.getsockname()[1]
    demo = Demo(port, tmp_path / "running")
    yield demo
    demo.command("stop")


def test_the_server_runs_until_it_is_stopped_and_leaves_no_files(demo):
    """The role owns the database and is no superuser. A second start finds the server. The stop removes its data."""
    started = demo.command("start")
    again = demo.command("start")
    elsewhere = demo.command("start", DEMO_PG_PORT="5")
    folder = Cluster(*map(Path, demo.note.read_text().splitlines())).folder
    login = {"user": postgres.USER, "password": postgres.PASSWORD, "dbname": postgres.DATABASE}
    connection = psycopg2.connect(host=postgres.HOST, port=demo.port, **login)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("create schema raw; select rolsuper from pg_roles where rolname = current_user")
        superuser = cursor.fetchone()
    stopped = demo.command("stop")
    nothing = demo.command("stop")

    assert (started.returncode, again.returncode, stopped.returncode, nothing.returncode) == (0, 0, 0, 0), started
    assert "Stop it, and remove its data, with: make stop-postgres" in started.stdout
    assert again.stdout == f"PostgreSQL is running at 127.0.0.1, port {demo.port}.\n"
    assert (elsewhere.returncode, elsewhere.stderr) == (
        1,
        "Port 5 was asked for. Stop the server first: make stop-postgres\n",
    )
    assert superuser == (False,)
    assert (stopped.stdout, nothing.stdout) == (
        "PostgreSQL is stopped.\n",
        "No server of `make postgres` is running.\n",
    )
    assert not folder.exists()
    assert not demo.note.exists()


def test_a_port_in_use_is_named_with_the_remedy(demo):
    """Another program's port, and a port that is no number, are one line that says what to do."""
    with socket.socket() as taken:
        taken.bind((postgres.HOST, demo.port))
        taken.listen()
        refused = demo.command("start")
    wrong = demo.command("start", DEMO_PG_PORT="high")

    assert (refused.returncode, wrong.returncode) == (1, 1)
    assert refused.stderr == (
        f"Port {demo.port} of 127.0.0.1 cannot be used (Address already in use). "
        f"Choose another one: make demo-postgres DEMO_PG_PORT={demo.port + 1}\n"
    )
    assert wrong.stderr.startswith("DEMO_PG_PORT is high, which is not a port.")
    assert not demo.note.exists()


def test_the_profile_names_the_server_by_default():
    """The target postgres of the reference project has the same defaults as the server."""
    profile = (REPOSITORY / "dbt_project" / "profiles.yml").read_text()
    defaults = dict(re.findall(r"env_var\('DEMO_PG_(\w+)', '([^']*)'\)", profile))
    assert defaults == postgres.DEFAULTS
