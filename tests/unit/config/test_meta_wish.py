"""What a node's `meta.elt` says of reuse is checked, so that a mistake is not taken for no wish."""

import pytest

from orchestrator.config.repeat_settings import wish_in_meta


@pytest.mark.parametrize("key", ["volatile", "deterministic"])
@pytest.mark.parametrize("value", ["true", 1, []])
def test_a_value_other_than_true_or_false_is_refused(key: str, value: object) -> None:
    """A text would silently declare nothing."""
    assert wish_in_meta({"elt": {key: value}}).mistakes == (f"'meta.elt.{key}' is '{value}': it takes true or false",)


def test_true_and_false_are_accepted() -> None:
    """Null says nothing."""
    assert wish_in_meta({"elt": {"volatile": False, "deterministic": True}}).mistakes == ()
    assert wish_in_meta({"elt": {"volatile": None, "deterministic": False}}).mistakes == ()


def test_a_node_cannot_be_both_volatile_and_deterministic() -> None:
    """One of the two is a mistake."""
    (mistake,) = wish_in_meta({"elt": {"volatile": True, "deterministic": True}}).mistakes
    assert "only one" in mistake


def test_an_unknown_key_is_refused() -> None:
    """A misspelt one would silently declare nothing."""
    (mistake,) = wish_in_meta({"elt": {"determinismic": True}}).mistakes
    assert "meta.elt.determinismic" in mistake
    assert "deterministic" in mistake.partition("Did you mean")[2]
