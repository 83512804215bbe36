"""The project `everything` with the defects, and in the ways, that were drawn for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agreement.bench import Prepared, evaluator
from tests.agreement.ordinary import PAIRS, name_of
from tests.agreement.pairs import Pair, command_of

pytestmark = pytest.mark.functional
PROJECT = "everything"


@pytest.mark.parametrize("pair", PAIRS[PROJECT], ids=name_of)
def test_it_ends_as_with_dbt(prepared: Callable[[str], Prepared], pair: Pair, tmp_path: Path) -> None:
    """Exit code, each node's record, every table and every file are dbt's."""
    verdict = evaluator(prepared(PROJECT), pair, tmp_path)
    assert not verdict.disagreements, f"{command_of(pair)}  # {verdict.expression}"
