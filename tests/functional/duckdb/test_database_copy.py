"""A copy of the database for readers is whole or not there, whatever happens while it is written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.duckdb import file_copy
from orchestrator.adapters.duckdb.database_copy import why_not_copied
from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, DuckdbWarehouse, open_warehouse
from orchestrator.errors import WarehouseError

COUNT = """
import duckdb, sys
print(duckdb.connect(sys.argv[1], read_only=True).sql("select count(*) from t").fetchall())
"""
HALF = """
import sys
from pathlib import Path

Path(sys.argv[2]).write_bytes(Path(sys.argv[1]).read_bytes()[:5000])
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckdbWarehouse]:
    """A database of which a part is in its log only."""
    opened = open_warehouse(DatabaseFile(path=tmp_path / "shop.duckdb"), lock_timeout=0)
    opened.ask("create table t as select range as i from range(50000)")
    yield opened
    opened.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where the copy goes."""
    (tmp_path / "bi").mkdir()
    return tmp_path / "bi" / "readers.duckdb"


def read(path: Path) -> subprocess.CompletedProcess[str]:
    """Count the rows of a database in another process."""
    return subprocess.run([sys.executable, "-c", COUNT, path], capture_output=True, text=True, check=False)


def rows(path: Path) -> str:
    done = read(path)
    return done.stdout.strip() or done.stderr


def in_a_process(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Open a database of its own in another process as `warehouse`, and run code."""
    head = (
        "import sys; from pathlib import Path; from orchestrator.adapters.duckdb import file_copy\n"
        "from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, open_warehouse\n"
        "warehouse = open_warehouse(DatabaseFile(path=Path(sys.argv[1])), lock_timeout=0)\n"
    )
    done = [sys.executable, "-c", head + code, *map(str, words)]
    return subprocess.run(done, capture_output=True, text=True, check=False)


def test_a_copy_contains_everything_that_was_committed(warehouse: DuckdbWarehouse, copy: Path) -> None:
    """What was in the log too; it is read-only, and read while the database is still held."""
    made = warehouse.copy_to(copy)
    assert (made.path, made.is_new, made.size) == (copy, True, copy.stat().st_size)
    assert rows(copy) == "[(50000,)]"
    assert copy.stat().st_mode & 0o777 == 0o444
    assert os.listdir(copy.parent) == ["readers.duckdb"]  # noqa: PTH208  # hidden ones too


def test_the_owner_keeps_its_lock_while_it_is_copied(warehouse: DuckdbWarehouse, copy: Path) -> None:
    """POSIX would drop it if this process closed a descriptor of the file."""
    warehouse.copy_to(copy)
    assert "Could not set lock on file" in read(warehouse.file.path).stderr


def test_a_copy_of_the_same_state_is_kept(warehouse: DuckdbWarehouse, copy: Path) -> None:
    """A new state replaces it in one step: who reads the old one goes on with it."""
    warehouse.copy_to(copy)
    first = copy.stat().st_ino
    assert not warehouse.copy_to(copy).is_new
    assert copy.stat().st_ino == first
    with duckdb.connect(str(copy), read_only=True) as reader:
        warehouse.ask("insert into t values (1)")
        assert warehouse.copy_to(copy).is_new
        assert reader.sql("select count(*) from t").fetchall() == [(50000,)]
    assert rows(copy) == "[(50001,)]"


@pytest.mark.parametrize("moment", ["while it copies", "before the old copy is replaced"])
def test_a_copy_that_was_killed_leaves_the_old_copy(tmp_path: Path, copy: Path, moment: str) -> None:
    """What it wrote lies beside it under a hidden name, and the next copy removes that."""
    database, half = tmp_path / "own.duckdb", tmp_path / "half.py"
    half.write_text(f"{HALF}\nimport os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    die = {
        "while it copies": f"file_copy.__file__ = {str(half)!r}",
        "before the old copy is replaced": "import os; Path.replace = lambda *_: os.kill(os.getpid(), 9)",
    }[moment]
    done = in_a_process(
        "warehouse.ask('create table t as select 1 as i')\n"
        "warehouse.copy_to(Path(sys.argv[2]))\n"
        "warehouse.ask('insert into t values (2)')\n"
        f"{die}\n"
        "warehouse.copy_to(Path(sys.argv[2]))",
        *(database, copy),
    )
    assert done.returncode == -9, done.stderr
    assert rows(copy) == "[(1,)]"
    assert len(list(copy.parent.iterdir())) == 2
    done = in_a_process("warehouse.copy_to(Path(sys.argv[2]))", database, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(copy) == "[(2,)]"
    assert [file.name for file in copy.parent.iterdir()] == ["readers.duckdb"]


def test_an_interrupted_copy_leaves_no_file(tmp_path: Path, copy: Path) -> None:
    """Ctrl-C ends the process that copies, and its half is removed."""
    half = tmp_path / "half.py"
    half.write_text(f"{HALF}\nimport os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)\n")
    done = in_a_process(
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "warehouse.ask('create table t as select 1 as i')\n"
        f"file_copy.__file__ = {str(half)!r}\n"
        "try: warehouse.copy_to(Path(sys.argv[2]))\n"
        "except KeyboardInterrupt: print('interrupted')",
        *(tmp_path / "own.duckdb", copy),
    )
    assert done.stdout == "interrupted\n"
    assert list(copy.parent.iterdir()) == []


def test_a_full_disk_leaves_the_old_copy(tmp_path: Path, copy: Path) -> None:
    """The error says so, and nothing is left beside it."""
    done = in_a_process(
        "import resource\n"
        "warehouse.ask('create table t as select 1 as i')\n"
        "warehouse.copy_to(Path(sys.argv[2]))\n"
        "warehouse.ask('insert into t values (2)'); warehouse.ask('checkpoint')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "try: warehouse.copy_to(Path(sys.argv[2]))\n"
        "except Exception as error: print(type(error).__name__, error)",
        *(tmp_path / "own.duckdb", copy),
    )
    assert done.stdout == "WarehouseError File too large\n"
    assert rows(copy) == "[(1,)]"
    assert [file.name for file in copy.parent.iterdir()] == ["readers.duckdb"]


def test_a_copy_that_is_not_a_database_is_never_published(
    warehouse: DuckdbWarehouse, copy: Path, monkeypatch, tmp_path
) -> None:
    """It is opened before it takes the place of the old one."""
    half = tmp_path / "half.py"
    half.write_text(HALF)
    monkeypatch.setattr(file_copy, "__file__", str(half))
    with pytest.raises(WarehouseError, match="the copy cannot be opened"):
        warehouse.copy_to(copy)
    assert list(copy.parent.iterdir()) == []


def test_the_temporary_file_of_a_live_process_is_kept(warehouse: DuckdbWarehouse, copy: Path) -> None:
    """Only leftovers of processes that are gone are removed, and only files that are called so."""
    others = [copy.with_name(f".readers.duckdb.elt-copy.{end}") for end in (os.getppid(), "mine")]
    for other in others:
        other.touch()
    warehouse.copy_to(copy)
    assert all(other.exists() for other in others)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere/readers.duckdb", "the folder {folder}/nowhere does not exist"),
        ("bi", "{folder}/bi is a folder"),
        ("shop.duckdb", "{folder}/shop.duckdb is the database itself"),
        ("bi/../shop.duckdb.wal", "is the database itself"),
        ("link.duckdb", "{folder}/link.duckdb is the database itself"),
        ("notes.txt", "{folder}/notes.txt exists and is no DuckDB database; it would be replaced"),
        ("other.duckdb", "{folder}/other.duckdb is a database that the target attaches"),
        ("bi/open.duckdb", "{folder}/bi/open.duckdb.wal exists: another process writes to the copy"),
    ],
)
def test_a_path_where_no_copy_can_be_written_is_reported(
    warehouse: DuckdbWarehouse, copy: Path, tmp_path: Path, path: str, told: str
) -> None:
    """The path and what is wrong with it; the database and its log are found under any name."""
    del warehouse, copy
    (tmp_path / "link.duckdb").hardlink_to(tmp_path / "shop.duckdb")
    for name in ("notes.txt", "other.duckdb", "bi/open.duckdb.wal"):
        (tmp_path / name).write_text("-")
    why = why_not_copied(tmp_path / "shop.duckdb", tmp_path / path, [tmp_path / "other.duckdb"])
    assert told.format(folder=tmp_path) in why
