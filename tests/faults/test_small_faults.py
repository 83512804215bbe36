"""A disk that is full, a store that is locked, a clock that is set, a database that is taken: the run can go on."""

import duckdb
import pytest

from orchestrator.faults import Point
from tests.faults.drawing import Death
from tests.faults.orders import Forge, Said, recorded
from tests.faults.runner import FILE

SEEDS = (200, 203)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("record", [1, 3])
def test_a_full_disk_ends_the_run_and_a_resume_finishes_it(forge: Forge, seed: int, record: int) -> None:
    """What cannot be recorded ends the run, whatever had begun; with room it goes on to the same end."""
    folder = forge.prepared()
    fault = {"kind": "full", "point": Point.RECORD_BEGUN, "passing": record}
    ended_with_store_error(
        forge.order(folder, "begin", seed=seed, fault=fault), "can no longer be recorded", "Make room"
    )
    forge.prove(folder, seed)


@pytest.mark.parametrize("record", [1, 2, 4])
def test_a_store_locked_by_another_process_ends_the_run(forge: Forge, record: int) -> None:
    """Nothing is done that cannot be recorded; once the lock is gone the run goes on."""
    folder = forge.prepared()
    fault = {"kind": "locked", "point": Point.RECORD_BEGUN, "passing": record, "patience": 0.2}
    said = forge.order(folder, "begin", seed=200, fault=fault)
    ended_with_store_error(said, "can no longer be recorded", "database is locked")
    forge.prove(folder, 200)


def test_a_store_locked_for_a_moment_is_waited_for(forge: Forge) -> None:
    """It is waited for, and the run ends as if nothing had been."""
    folder = forge.prepared()
    fault = {"kind": "locked", "point": Point.RECORD_BEGUN, "passing": 3, "patience": 30, "seconds": 0.3}
    said = forge.order(folder, "begin", seed=200, fault=fault)
    assert (said.code, set(said.statuses or ())) == (0, {"success"}), said.traceback
    forge.prove(folder, 200)


@pytest.mark.parametrize("hours", [-25, 25])
@pytest.mark.parametrize("record", [1, 3])
def test_a_clock_change_does_not_disturb_a_run(forge: Forge, hours: float, record: int) -> None:
    """Neither a run nor its order depends on the time of day, also when it is killed after that."""
    folder = forge.prepared()
    fault = {"kind": "clock", "point": Point.RECORD_BEGUN, "passing": record, "hours": hours}
    said = forge.order(folder, "begin", seed=201, fault=fault)
    assert (said.code, set(said.statuses or ())) == (0, {"success"}), said.traceback
    forge.prove(folder, 201)


def test_a_resume_names_the_process_that_has_locked_the_database(forge: Forge) -> None:
    """The run that goes on names it and changes nothing; when the file is free it goes on."""
    folder = forge.prepared()
    forge.order(folder, "begin", seed=200, fault=Death(Point.STEP_DONE, 2).as_fault())
    before = recorded(folder)
    with duckdb.connect(str(folder / FILE)):
        said = forge.order(folder, "go_on", lock_timeout=0.1)
    assert said.error.startswith("WarehouseLockedError"), said
    assert recorded(folder) == before
    forge.prove(folder, 200)


def ended_with_store_error(said: Said, *words: str) -> None:
    """Assert that a run ended because it could not be recorded."""
    assert said.error.startswith("StoreError"), (said, said.traceback)
    for word in words:
        assert word in said.error
