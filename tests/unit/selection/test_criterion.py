"""Criteria of our own have dbt's operators around them."""

import pytest

from orchestrator.selection.criterion import bare_value, is_stateful, own_criterion, unions


@pytest.mark.parametrize("text", ["marts", "+tag:nightly", "source:raw.flights+", "@model", "state:modified+"])
def test_criteria_that_dbt_knows_are_left_to_dbt(text: str) -> None:
    """Only `ingest:` and `expectation:` are ours."""
    assert own_criterion(text) is None


def test_operators_have_dbts_meaning() -> None:
    """`2+ingest:x+3` reaches two edges up and three down; `@` takes the parents of all children."""
    criterion = own_criterion("2+ingest:bts.flights+3")
    assert criterion is not None
    assert (criterion.method, criterion.value) == ("ingest", "bts.flights")
    assert (criterion.up, criterion.up_depth, criterion.down, criterion.down_depth) == (True, 2, True, 3)
    around = own_criterion("@expectation:fct_*")
    assert around is not None
    assert around.with_parents_of_children
    assert around.value == "fct_*"


def test_a_plus_without_a_number_has_no_limit() -> None:
    """`+ingest:x+` goes as far as the graph does."""
    criterion = own_criterion("+ingest:x+")
    assert criterion is not None
    assert (criterion.up, criterion.up_depth, criterion.down, criterion.down_depth) == (True, None, True, None)


def test_words_are_a_union() -> None:
    """Arguments and the words in them are items of one union; commas stay inside an item."""
    assert unions(("a b,c", "d")) == ("a", "b,c", "d")


def test_only_a_space_separates_two_words() -> None:
    """As in dbt a tab does not, and an empty word is a word that names nothing."""
    assert unions(("a\tb", "", "c ")) == ("a\tb", "", "c", "")


@pytest.mark.parametrize(
    ("item", "expected"),
    [("state:modified+", True), ("marts,state:new", True), ("result:error", True), ("marts", False), ("2+x", False)],
)
def test_a_state_criterion_may_match_nothing(item: str, *, expected: bool) -> None:
    """`state:`, `result:` and `source_status:` name what changed, which may rightly be nothing."""
    assert is_stateful(item) is expected


@pytest.mark.parametrize("part", ["+tag:nightly+", "@tag:nightly", "2+tag:nightly+1", "tag:nightly"])
def test_similar_names_are_looked_up_for_the_value(part: str) -> None:
    """Methods and operators are not part of a name."""
    assert bare_value(part) == "nightly"
