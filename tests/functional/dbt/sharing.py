"""Lets the processes of one test run share what is costly to make: the first makes it, each has a copy of its own."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made], moved: Callable[[Made, Path], Made]
) -> Made:
    """Give what `make` gives of a folder that it fills, `moved` to a copy of that folder that is this process's own."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    kept = shared.with_suffix(".pickle")
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            shared.mkdir()
            kept.write_bytes(pickle.dumps(make(shared)))
    own = factory.mktemp(name) / "own"
    shutil.copytree(shared, own)
    made: Made = pickle.loads(kept.read_bytes())  # our own, of this test run
    return moved(made, own)
