"""Orders small runs from the process that forks them."""

from collections.abc import Iterator

import pytest

from tests.faults.orders import Forge


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Makes small runs, each in a process and a folder of its own."""
    with Forge(tmp_path_factory.mktemp("small")) as ready:
        yield ready
