"""A PostgreSQL server of the tests' own, in a temporary folder, from the binaries of a wheel; surely stopped."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from demo.postgres_cluster import Cluster, make_cluster
from tests.dies_with import die_with_the_parent

PASSWORD = "a secret that nobody prints"
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}
PATIENCE = 60


@dataclass(frozen=True)
class Server:
    """Where the server listens; its superuser is `postgres`."""

    port: int
    host: str = "127.0.0.1"

    def connect(self, database="postgres"):
        """Open a connection that commits by itself."""
        connection = psycopg2.connect(
            host=self.host, port=self.port, user="postgres", password=PASSWORD, dbname=database
        )
        connection.autocommit = True
        return connection

    def rows(self, sql, database="postgres"):
        """Run one statement and give its rows."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_server() -> Iterator[Server]:
    """Make a cluster and start its server; both are gone afterwards, however the tests end."""
    # not pytest's folder: the server refuses to run as root, and others may not look in there
    folder = Path(tempfile.mkdtemp(prefix="elt-postgres-"))
    try:
        process, server = start_server(make_cluster(folder, PASSWORD))
        try:
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nobody needs the data any more
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_server(cluster: Cluster, *, port: int | None = None) -> tuple[subprocess.Popen, Server]:
    """Start the server of a cluster, on a free port unless it is named."""
    for _ in range(3):  # somebody may take the port before the server does
        server = Server(port=port or _free_port())
        settings = {**QUICK, "port": server.port, "listen_addresses": server.host, "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with cluster.log.open("ab") as said:
            process = subprocess.Popen(
                [cluster.binaries / "postgres", "-D", cluster.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=cluster.data,
                preexec_fn=lambda: die_with_the_parent(signal.SIGQUIT),  # noqa: PLW1509  # one system call
                start_new_session=True,
                **cluster.owner,
            )
        if _answers(process, server):
            return process, server
    raise RuntimeError(f"the server did not start:\n{cluster.log.read_text()}")


def _answers(process: subprocess.Popen, server: Server) -> bool:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            server.connect().close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return True
    process.kill()
    process.wait()
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
