"""What a node's `meta.elt` says of reuse is checked, so that a mistake is not taken for no wish."""

from datetime import time

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


def test_a_deadline_is_a_time_of_day_in_a_zone() -> None:
    """The zone is optional; a mistake in either is named."""
    wish = wish_in_meta({"elt": {"deadline": "06:30", "timezone": "Europe/Berlin"}})
    assert (wish.deadline, wish.timezone, wish.mistakes) == (time(6, 30), "Europe/Berlin", ())
    assert wish_in_meta({"elt": {"deadline": "06:30"}}).timezone is None
    wrong = wish_in_meta({"elt": {"deadline": "25:00", "timezone": "Europe/Berlyn"}}).mistakes
    assert wrong == (
        "'meta.elt.deadline' is '25:00': expected a time of day such as \"06:00\", in quotes",
        "'meta.elt.timezone' is 'Europe/Berlyn': expected an IANA time zone such as Europe/Berlin",
    )
