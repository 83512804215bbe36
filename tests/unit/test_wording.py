"""Names in messages: those that are similar to what was written, and the question that suggests them."""

import pytest

from orchestrator.wording import did_you_mean, similar


@pytest.mark.parametrize(
    ("names", "question"),
    [
        ([], ""),
        (["a"], "Did you mean 'a'?"),
        (["a", "b"], "Did you mean 'a' or 'b'?"),
        (["a", "b", "c"], "Did you mean 'a', 'b' or 'c'?"),
    ],
)
def test_names_are_suggested_in_one_question(names, question):
    """Without a name there is no question."""
    assert did_you_mean(names) == question


def test_similar_names_are_found_in_any_case_and_shown_as_they_are_spelled():
    """The most similar one is first."""
    assert similar("ORDRES", ["Order_Items", "orders", "Orders_2", "zzz"]) == ("orders", "Orders_2")
    assert similar("nothing", ["orders"]) == ()
