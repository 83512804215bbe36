"""Each project is prepared once for all the tests of a process."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.agreement.bench import Prepared


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prepared]:
    """Give a project as it was written and parsed, and what an undisturbed build of it leaves."""
    return cache(lambda name: Prepared(name, tmp_path_factory.mktemp(name)))
