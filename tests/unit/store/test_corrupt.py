"""A store that breaks anywhere in its file: whoever meets it is told, and a run that begins renames it."""

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from orchestrator.errors import StoreError
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.contracts.test_store import PLACES, TARGET, fingerprint, lease, opening, record_builds, started
from tests.factories import make_outcome, make_plan

PAGE = 4096
NONSENSE = b"nonsense" * (PAGE // 8)


def opened(folder: Path) -> SqlStore:
    return SqlStore(store_url("history.db", folder), begins_run=True)


@cache
def sound() -> bytes:
    """The file of a store that holds twenty runs."""
    with TemporaryDirectory() as name:
        with closing(opened(Path(name))) as store:
            for number in range(20):
                record_builds(store, f"r{number}", fingerprint("a", f"code {number}"), make_outcome("a"))
        return (Path(name) / "history.db").read_bytes()


def read(store: SqlStore) -> None:
    """Ask whatever a reader can be asked."""
    reader = store.reader()
    for head in reader.heads(limit=3):
        reader.run(head.run_id)
        reader.events(head.run_id)
        reader.manifest(head.run_id)
        reader.fingerprints(head.run_id)
    reader.last_success(TARGET, PLACES)


def begin(store: SqlStore) -> None:
    """Do what a run does before its first step."""
    store.take(lease("new"), instead_of=store.leases("duckdb shop"))
    store.writer(opening("new", minutes=99)).record([started(make_plan("a"), "new")])


def refusal_of(folder: Path, use: Callable[[SqlStore], None]) -> StoreError | None:
    """Use a store, and give what it was refused with."""
    try:
        with closing(opened(folder)) as store:
            use(store)
    except StoreError as refused:
        return refused
    return None


@pytest.mark.parametrize(("use", "is_set_aside"), [(read, False), (begin, True)])
def test_a_store_that_is_broken_anywhere(tmp_path: Path, use: Callable[[SqlStore], None], is_set_aside: bool) -> None:
    """Whichever of its pages is nonsense, nobody meets an error of the database itself, and nothing of it is lost."""
    file, refusals = tmp_path / "history.db", 0
    for page in range(len(sound()) // PAGE):
        broken = sound()[: page * PAGE] + NONSENSE + sound()[(page + 1) * PAGE :]
        file.write_bytes(broken)
        refused = refusal_of(tmp_path, use)
        if refused is not None:
            refusals += 1
            assert f"{file} is corrupt" in refused.message
            assert file.exists() is not is_set_aside
            found = tmp_path.glob("history.db.corrupt-*" if is_set_aside else "history.db")
            (kept,) = (one for one in found if not one.name.endswith(("-wal", "-shm")))  # its journal goes with it
            assert kept.stat().st_size >= len(broken)
        for left in tmp_path.iterdir():
            left.unlink()
    assert refusals > 5
