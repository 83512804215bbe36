"""Starts and stops a PostgreSQL server for the reference project: `make postgres` and `make stop-postgres`.

The server listens on 127.0.0.1 only. Its data are in a temporary folder, which goes when the server is stopped.
"""

import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from demo.postgres_cluster import Cluster, make_cluster

DEFAULTS = {
    "HOST": "127.0.0.1",
    "PORT": "54320",
    "USER": "elt",
    "PASSWORD": "flights of 2013",
    "DATABASE": "elt_demo",
}
"""The variables `DEMO_PG_…` that dbt_project/profiles.yml reads, with the same defaults."""
HOST = DEFAULTS["HOST"]
PORT, USER, PASSWORD, DATABASE = (
    os.environ.get(f"DEMO_PG_{name}") or DEFAULTS[name] for name in ("PORT", "USER", "PASSWORD", "DATABASE")
)
RUNNING = Path(os.environ.get("DEMO_PG_RUNNING") or Path(__file__).parents[1] / ".postgres")
"""Names the folder of the server that runs, and its programs."""
SETTINGS = {
    "port": PORT,
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # The data can be loaded again, so nothing waits for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def main(command: str) -> None:
    """Do what the command says: start or stop."""
    try:
        {"start": start, "stop": stop}[command]()
    except RuntimeError as error:
        sys.exit(str(error))


def start() -> None:
    """Start a server with the role and the database that the profile names, unless it already runs."""
    running = _running()
    if running is not None:
        _say(f"PostgreSQL is running at {HOST}, port {_port(running)}.")
        if _port(running) != PORT:
            sys.exit(f"Port {PORT} was asked for. Stop the server first: make stop-postgres")
        return
    _require_free_port()
    folder = Path(tempfile.mkdtemp(prefix="elt-demo-postgres-"))
    try:
        cluster = make_cluster(folder, secrets.token_urlsafe())  # nobody logs in as the superuser
        _configure(cluster)
        _serve(cluster)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    RUNNING.write_text(f"{folder}\n{cluster.binaries}\n")
    _say(f"PostgreSQL is running at {HOST}, port {PORT}: database {DATABASE}, user {USER}. Log: {cluster.log}")
    _say("Stop it, and remove its data, with: make stop-postgres")


def stop() -> None:
    """Stop the server and remove its data."""
    running = _running()
    if running is not None:
        stopped = running.run("pg_ctl", "--wait", "--mode=fast", "stop")
        if stopped.returncode:
            sys.exit(f"PostgreSQL could not be stopped:\n{stopped.stdout}{stopped.stderr}")
    _forget()
    _say("PostgreSQL is stopped." if running else "No server of `make postgres` is running.")


def _serve(cluster: Cluster) -> None:
    started = cluster.run("pg_ctl", "--wait", f"--log={cluster.log}", "start")
    if started.returncode:
        raise RuntimeError(f"PostgreSQL did not start:\n{started.stderr or started.stdout}")


def _configure(cluster: Cluster) -> None:
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
    role = f"""create role {_quoted(USER, '"')} login password {_quoted(PASSWORD, "'")};\n"""
    database = f"""create database {_quoted(DATABASE, '"')} owner {_quoted(USER, '"')};\n"""
    made = cluster.run("postgres", "--single", "postgres", text=role + database)
    if made.returncode or "ERROR:" in made.stderr:
        raise RuntimeError(f"The database could not be made:\n{made.stderr}")


def _running() -> Cluster | None:
    """Return the server that runs; one that ended with the machine is forgotten."""
    if not RUNNING.exists():
        return None
    cluster = Cluster(*map(Path, RUNNING.read_text().splitlines()))
    if cluster.data.is_dir() and cluster.run("pg_ctl", "status").returncode == 0:
        return cluster
    _forget()
    return None


def _port(cluster: Cluster) -> str:
    return (cluster.data / "postmaster.pid").read_text().splitlines()[3]


def _forget() -> None:
    if RUNNING.exists():
        shutil.rmtree(RUNNING.read_text().splitlines()[0], ignore_errors=True)
        RUNNING.unlink()


def _require_free_port() -> None:
    if not PORT.isdecimal():
        sys.exit(f"DEMO_PG_PORT is {PORT}, which is not a port. Choose a number: make demo-postgres DEMO_PG_PORT=54321")
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((HOST, int(PORT)))
        except OSError as error:
            other = int(PORT) + 1
            sys.exit(
                f"Port {PORT} of {HOST} cannot be used ({error.strerror}). "
                f"Choose another one: make demo-postgres DEMO_PG_PORT={other}"
            )


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, mark * 2)}{mark}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1])
