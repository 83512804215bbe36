"""Schedules whose record is corrupt, lost or full: no due time is lost, and each command says what to do."""

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from os import utime
from pathlib import Path
from urllib.parse import quote

import pytest

from demo.postgres_cluster import Cluster, make_cluster
from tests.cli.conftest import ended, really_start, start
from tests.cli.test_full_disk import BIG, fill, small_disk
from tests.cli.test_schedules import (
    DAILY,
    PROFILES,
    SLOW,
    a_day_passes,
    runs,
    shop,
    slow,
    times_of,
    until,
    until_it_builds,
    write,
)
from tests.functional.postgres.server import PASSWORD, start_server

pytestmark = pytest.mark.functional
__all__ = ["shop", "slow", "small_disk"]
READERS = (["list"], ["next"], ["check"])


def store_of(folder: Path) -> Path:
    return folder / ".elt/history.db"


def test_no_command_changes_a_corrupt_record_of_schedules(elt, shop: Path) -> None:
    """Each of them names the file and what to do. With the backup in its place, the due time runs."""
    a_day_passes(elt, shop)
    backup = store_of(shop).read_bytes()
    broken = b"nonsense" * 1000
    store_of(shop).write_bytes(broken)
    looks = (["run", "--due"], ["run", "nightly"])
    for words in (*READERS, *looks):
        elt("schedule", *words, project=shop).refuses(f"{store_of(shop)} is corrupt", "Put a backup in its place, or")
    elt("run", project=shop).refuses(f"{store_of(shop)} is corrupt", "Nothing was changed")
    assert store_of(shop).read_bytes() == broken
    assert not list(store_of(shop).parent.glob("*corrupt*"))
    store_of(shop).write_bytes(backup)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]


def test_readers_of_schedules_create_no_record(elt, shop: Path) -> None:
    """They show what elt.yml says; a time since elt.yml was written that nothing started was missed."""
    for words in READERS:
        assert elt("schedule", *words, project=shop).code == 0
    assert not store_of(shop).exists()
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    utime(shop / "elt.yml", (long_ago, long_ago))
    check = elt("schedule", "check", project=shop)
    assert (check.code, "the record contains no look at this schedule" in check.out) == (1, True)
    assert not store_of(shop).exists()


def test_a_record_that_was_lost_between_two_nights_is_reported(elt, shop: Path) -> None:
    """`check` fails until the next look, which says that the schedule begins again and how an earlier time runs."""
    a_day_passes(elt, shop)
    elt("schedule", "run", "--due", project=shop)
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    utime(shop / "elt.yml", (long_ago, long_ago))
    for file in store_of(shop).parent.glob("history.db*"):
        file.unlink()
    assert elt("schedule", "check", project=shop).code == 1
    look = elt("schedule", "run", "--due", project=shop)
    assert (look.code, "1 schedule begins now: nightly. Earlier times do not run" in look.err) == (0, True)
    assert runs(shop) == []
    assert elt("schedule", "run", "nightly", project=shop).code == 0
    assert elt("schedule", "check", project=shop).code == 0


def test_orderly_restarts_use_up_neither_the_resume_nor_a_retry(elt, slow: Path) -> None:
    """After two of them, a death of the run is still resumed."""
    a_day_passes(elt, slow)
    for number in range(2):
        process = start("schedule", "start", project=slow)
        until_it_builds(slow)
        until(lambda: times_of(elt, slow)[0]["state"] == "running")
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 0
        (last,) = times_of(elt, slow)
        assert (last["exit_code"], last["starts"], last["note"]) == (130, 1, "its process was asked to end"), number
    process = start("schedule", "run", "nightly", project=slow)
    until(lambda: times_of(elt, slow)[0]["state"] == "running")
    process.kill()
    ended(process)
    (slow.parent / "slow").unlink()
    assert elt("schedule", "run", "--due", project=slow).code == 0
    (last,) = times_of(elt, slow)
    assert (last["exit_code"], last["starts"]) == (0, 2)
    assert [status for _, status in runs(slow)] == ["success"]


def test_the_number_of_statements_does_not_grow_with_the_schedules(elt, shop: Path, monkeypatch) -> None:
    """Neither in the list nor in a look."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    counted = []
    listener = lambda _connection, _cursor, statement, *_rest: counted.append(statement)  # noqa: E731
    event.listen(Engine, "before_cursor_execute", listener)
    found = {}
    try:
        for most in (3, 30):
            listed = "".join(f'  s{number}: {{cron: "0 2 * * *"}}\n' for number in range(most))
            (shop / "elt.yml").write_text(f"schedules:\n{listed}")
            elt("schedule", "run", "--due", project=shop)
            for words in (["list"], ["check"], ["next"], ["run", "--due", "s0"], ["run", "--due"]):
                (shop / ".elt/schedule-due").unlink(missing_ok=True)
                counted.clear()
                assert elt("schedule", *words, project=shop).code == 0
                found.setdefault(" ".join(words), []).append(len(counted))
    finally:
        event.remove(Engine, "before_cursor_execute", listener)
    assert all(few == many > 0 for few, many in found.values()), found


def test_a_time_whose_run_cannot_begin_on_a_full_disk_runs_when_there_is_room(elt, small_disk: Path) -> None:
    """Even without `retry`, and however often it finds no room. The command does not wait for room itself."""
    shop = write(small_disk / "shop", DAILY + "    retry: {after: 0s}\n")
    a_day_passes(elt, shop)
    fill(small_disk, free=0)
    elt("schedule", "check", project=shop).refuses("is full", "Make room")
    (small_disk / "filler").unlink()
    for _ in range(2):
        fill(small_disk, free=200_000)
        assert ended(really_start("schedule", "run", "--due", project=shop)).code == 2
        (small_disk / "filler").unlink()
        check = elt("schedule", "check", project=shop)
        assert (check.code, "a disk was full; it is started again from" in check.out) == (1, True)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]
    assert (times_of(elt, shop)[0]["exit_code"], times_of(elt, shop)[0]["starts"]) == (0, 1)
    assert elt("schedule", "check", project=shop).code == 0


def test_a_run_whose_record_meets_a_full_disk_is_resumed_when_there_is_room(elt, small_disk: Path, tmp_path) -> None:
    """A look before that changes nothing, and `check` fails until then."""
    disk = small_disk / "history.db"
    shop = write(tmp_path / "shop", f"store: {disk}\n{DAILY}", orders=SLOW % (tmp_path / "slow"))
    (shop / ".elt").mkdir()
    (shop / ".elt/history.db").symlink_to(disk)
    (tmp_path / "slow").touch()
    a_day_passes(elt, shop)
    process = really_start("schedule", "run", "--due", project=shop)
    until_it_builds(shop)
    fill(small_disk, free=0)
    (tmp_path / "slow").unlink()
    said = ended(process)
    assert (said.code, said.err.count("started for")) == (2, 1)
    assert "Traceback" not in said.err
    assert elt("schedule", "check", project=shop).code != 0
    (small_disk / "filler").unlink()
    assert "died" in elt("schedule", "check", project=shop).out
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]
    assert elt("schedule", "check", project=shop).code == 0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster whose server is not running."""
    folder = Path(tempfile.mkdtemp(prefix="elt-postgres-"))
    yield make_cluster(folder, PASSWORD)
    shutil.rmtree(folder, ignore_errors=True)


def test_a_server_that_stops_during_a_run_loses_nothing(elt, cluster: Cluster, tmp_path: Path) -> None:
    """Each command ends with 2 and names the server. When it answers again, the next look resumes the run."""
    server_process, server = start_server(cluster)
    store = f"store: postgresql://postgres:{quote(PASSWORD)}@{server.host}:{server.port}/postgres\n"
    shop = write(tmp_path / "shop", store + DAILY, orders=SLOW % (tmp_path / "slow"))
    (tmp_path / "slow").touch()
    elt("schedule", "run", "--due", project=shop)
    since = datetime.now(UTC) - timedelta(days=1, minutes=1)
    server.rows(f"update schedules set since = '{since.isoformat()}'")
    (shop / ".elt/schedule-due").unlink()
    process = really_start("schedule", "run", "--due", project=shop)
    until(lambda: server.rows("select 1 from events where kind = 'step_started'"))
    server_process.send_signal(signal.SIGQUIT)
    server_process.wait()
    (tmp_path / "slow").unlink()
    said = ended(process)
    assert (said.code, "Check that the server answers, then continue with" in said.err) == (2, True)
    for words in (*READERS, ["run", "--due"], ["run", "nightly"], ["pause", "nightly"]):
        elt("schedule", *words, project=shop).refuses(f"postgresql://{server.host}:{server.port}/postgres cannot be")
    server_process, _ = start_server(cluster, port=server.port)
    try:
        assert "died" in elt("schedule", "check", project=shop).out
        assert elt("schedule", "run", "--due", project=shop).code == 0
        assert server.rows("select status from runs") == [("success",)]
        assert elt("schedule", "check", project=shop).code == 0
    finally:
        server_process.send_signal(signal.SIGQUIT)
        server_process.wait()


def test_a_time_that_waits_for_its_conditions_is_cancelled_with_the_command_of_the_refusal(elt, shop: Path) -> None:
    """It is recorded as skipped, with who cancelled it; it is not started again until that is undone."""
    waits = f"    on_busy: refuse\n    wait_for: [{{file: {shop}/never, every: 1m}}]\n"
    (shop / "elt.yml").write_text(DAILY + waits)
    a_day_passes(elt, shop)
    process = start("schedule", "run", "--due", project=shop)
    until(lambda: (shop / ".elt/history.db").exists() and [one["state"] for one in times_of(elt, shop)] == ["running"])
    listed = elt("schedule", "list", project=shop).out
    assert ("waiting for its conditions" in listed, "longer than expected" in listed) == (True, False)
    refused = elt("schedule", "run", "nightly", project=shop)
    refused.refuses("is in progress", "or end it: elt cancel ")
    run_id = refused.err.split("elt cancel ")[1].split()[0]
    elt("cancel", "another-run", project=shop).refuses("another-run")
    assert elt("cancel", run_id, project=shop).code == 0
    said = ended(process)
    assert (said.code, "cancelled by" in said.err, "Traceback" in said.err) == (130, True, False)
    (last,) = times_of(elt, shop)
    assert (last["state"], last["cause"], str(last["note"])[:13]) == ("skipped", "user", "cancelled by ")
    elt("cancel", run_id, project=shop).refuses(run_id)
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert runs(shop) == []
    assert elt("schedule", "check", project=shop).code == 0
    (shop / "never").touch()
    assert elt("schedule", "skip", "nightly", last["logical_time"], "--undo", project=shop).code == 0
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]


@pytest.mark.slow
def test_a_step_that_fills_the_disk_of_the_warehouse_is_retried_when_there_is_room(
    elt, small_disk: Path, tmp_path: Path
) -> None:
    """The run ends with an error that names the disk, and the retry of the schedule repeats only that step."""
    shop = write(
        tmp_path / "shop",
        DAILY.replace("[orders]", "[first, orders]") + "    retry: {runs: 2, after: 0s}\n",
        first="{{ config(materialized='table') }} select 1 as id",
        orders="{{ config(materialized='table') }} " + BIG,
    )
    (shop / "profiles.yml").write_text(PROFILES.replace("shop.duckdb", str(small_disk / "shop.duckdb")))
    a_day_passes(elt, shop)
    fill(small_disk, free=4_000_000)
    said = ended(really_start("schedule", "run", "nightly", project=shop))
    assert said.code == 1
    assert f"The disk that holds {small_disk}" in " ".join((said.out + said.err).split())
    assert "Traceback" not in said.err
    (last,) = times_of(elt, shop)
    assert (last["state"], last["exit_code"], last["starts"]) == ("ended", 1, 1)
    assert elt("schedule", "check", project=shop).code == 1
    (small_disk / "filler").unlink()
    assert ended(really_start("schedule", "run", "--due", project=shop)).code == 0
    assert (times_of(elt, shop)[0]["exit_code"], times_of(elt, shop)[0]["starts"]) == (0, 2)
    assert [status for _, status in runs(shop)] == ["error", "success"]
    built = json.loads(elt("show", "--json", project=shop).out)["plan"]
    assert [step["name"] for step in built] == ["orders"]
    assert elt("schedule", "check", project=shop).code == 0
