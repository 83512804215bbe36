"""Text and JSON as every database takes them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.store.json_text import plain, to_json_text

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=_PLAIN)
def test_json_values_survive_the_round_trip(value: object) -> None:
    """Nothing of it is lost."""
    assert json.loads(to_json_text(value)) == value


def test_values_without_a_json_type_are_written_as_text() -> None:
    """Moments by their ISO form or the like, figures that are none by their names."""
    value = {"at": datetime(2026, 1, 1, tzinfo=UTC), "figures": (float("nan"), [float("-inf"), 1.5])}
    assert json.loads(to_json_text(value)) == {"at": "2026-01-01 00:00:00+00:00", "figures": ["nan", ["-inf", 1.5]]}


@pytest.mark.parametrize(("text", "kept"), [("naïve ✓", "naïve ✓"), ("a\0b", "a�b"), ("pi\udce9", "pi?")])
def test_only_values_that_no_database_stores_are_replaced(text: str, kept: str) -> None:
    """NUL, and half of a pair of surrogates."""
    assert plain(text) == kept
