"""What holds for every test."""

import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.quicker_tools import make_quicker
from tests.sweeps import SWEEP
from tests.warm_children import allow, clear, offer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.scheduler import LoadScopeScheduling

# A busy machine draws slowly; that says nothing of the product, and no test is timed.
# As of the wide sweeps, the smoke lane runs a part of the examples that hypothesis draws by default.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=50 if SWEEP.is_smoke else 100,
)
settings.load_profile("untimed")

# Tests and their children start seconds faster from compiled modules, whatever the machine's own setting.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# With dbt in memory the search for garbage, as often as by default, takes a quarter of a test's time otherwise.
gc.set_threshold(500_000, 10, 5)

make_quicker()

MEMORY = Path("/dev/shm")
ENOUGH = 6 * 2**30
"""A whole run leaves about 2 GB. The rest of what is free there is for the processes."""
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
    # Databases and records wait for the disk at every commit; nobody needs these after a crash of the machine.
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)

TOGETHER = ("tests/functional/postgres/", "tests/functional/dbt/")
"""Folders whose tests share a server, or projects that were built: one worker runs all of them."""
SLOW = (
    *("tests/agreement/test_selection_random.py", "tests/agreement/test_pairs_of_", "tests/reuse_pairs/"),
    *("tests/functional/postgres/test_adopt.py", "tests/functional/postgres/test_truth.py"),
    *("tests/functional/postgres/test_agreement.py", "tests/functional/postgres/test_comparison.py"),
    *("tests/functional/reuse/test_adopt.py", "tests/functional/reuse/test_cases.py"),
    *("tests/functional/reuse/test_statements_of_projects.py", "tests/functional/test_reference_"),
    "tests/functional/reuse/test_reuse_on_a_project.py",
    "tests/functional/marks/test_left_batches.py::test_a_retry_too_repeats_interrupted_work_once",
    *("tests/functional/postgres/test_contents.py", "tests/functional/postgres/test_reuse.py"),
    "tests/functional/postgres/test_marks.py::test_a_committed_build_is_not_repeated",
    "tests/functional/postgres/test_loads.py::test_a_killed_load_is_finished_without_doubling_rows",
    *("tests/cli/test_full_disk.py", "tests/cli/test_dbt2.py", "tests/cli/test_dbt2_processes.py"),
    *("tests/cli/test_interrupted.py", "tests/cli/test_schema_prefix.py", "tests/cli/test_third_adapter.py"),
    *("tests/cli/test_storage_version.py", "tests/functional/dbt/test_interrupted_nodes.py"),
    *("tests/functional/dbt/test_new_releases.py", "tests/functional/dbt/test_on_error.py"),
    "tests/functional/dbt/test_kept_answers.py::test_dbt_is_asked_again_after_a_change_of",
    *("tests/functional/postgres/test_frozen_server.py", "tests/functional/postgres/test_interrupted.py"),
    *("tests/functional/postgres/test_schema_prefix.py", "tests/cli/test_bad_database.py"),
    *("tests/functional/dbt/test_options.py", "tests/functional/dlt/test_ingest_state.py"),
    *("tests/functional/dlt/test_killed_load.py", "tests/cli/test_schedule_faults.py"),
    *("tests/agreement/test_random_projects.py", "tests/agreement/test_selection.py"),
    *("tests/faults/test_small_kills.py", "tests/faults/test_real_kills.py"),
    *("tests/functional/postgres/test_created_at_once.py", "tests/functional/postgres/test_one_checkout.py"),
    *("tests/functional/postgres/test_halts.py", "tests/functional/postgres/test_repeats.py"),
    *(
        "tests/functional/postgres/test_hooks_outside.py",
        "tests/functional/great_expectations/test_core_expectations.py",
    ),
)
"""What `make test-slow` runs: sweeps, many runs of the real tools each, and the breadth on PostgreSQL; CI runs both."""
LONGEST_FIRST = (*TOGETHER, "tests/agreement/", "tests/functional/", "tests/faults/", "tests/cli/", "tests/")


@pytest.fixture(scope="session", autouse=True)
def warm_children() -> "Iterator[None]":
    """Let runs start their children warm."""
    offer()
    yield
    clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start children cold in the tests of the children."""
    allow(item.nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker waits for another one at the end; mark what is slow."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(
        key=lambda item: next(rank for rank, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder))
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> "LoadScopeScheduling":
    """Give a worker one module or class at a time, and all of a folder whose tests share what is costly to make."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))

    config.option.loadscopereorder = False  # it would begin with what has most tests, which are the quickest
    return Scheduling(config, log)
