"""Layout and comments say nothing about SQL; everything else does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.reuse.fingerprints.normal_sql import normal_sql
from orchestrator.reuse.fingerprints.python_code import normal_python, read_python

PIECES = st.lists(
    st.sampled_from(
        [
            "select",
            "a",
            "A",
            '"a"',
            "'a'",
            "'-- a'",
            "1",
            "1.0",
            "from",
            "t",
            "where",
            "(",
            ")",
            ",",
            "=",
            "'it''s'",
            "b",
        ]
    ),
    min_size=1,
    max_size=12,
)
GAPS = st.sampled_from([" ", "\n", "  \t", " -- note\n", " /* note */ ", "\n\n"])


@given(pieces=PIECES, data=st.data())
def test_whitespace_and_comments_change_nothing(pieces: list[str], data: st.DataObject) -> None:
    """Whatever stands between two words."""
    again = "".join(piece + data.draw(GAPS) for piece in pieces)
    assert normal_sql(again, "duckdb") == normal_sql(" ".join(pieces), "duckdb")


@given(pieces=PIECES, other=PIECES)
def test_different_words_are_a_different_text(pieces: list[str], other: list[str]) -> None:
    """Two statements are alike only when their words are, in their order."""
    alike = normal_sql(" ".join(pieces), "duckdb") == normal_sql(" ".join(other), "duckdb")
    assert alike == (pieces == other)


@pytest.mark.parametrize(
    "texts",
    [
        ("SELECT a FROM t GROUP  BY 1;", "select a from t group by 1"),
        ("select 1 -- one\n", "select 1"),
        ("select a::int", "select a :: int"),
    ],
)
def test_the_case_of_keywords_and_a_final_semicolon_do_not_matter(texts: tuple[str, str]) -> None:
    """Nor do spaces inside of `group by`."""
    assert len({normal_sql(text, "duckdb") for text in texts}) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("select 1 as a", "select 1 as A", 'select 1 as "a"', "select 1 as b"),
        ("select 1 as Select", "select 1 as select"),
        ("select 'a  b'", "select 'a b'", "select 'A  b'"),
        ("select a from t", "select a, from t", "select -a from t"),
        ("select '-- a'", "select '' -- a'"),
        ("select 'unclosed  x", "select 'unclosed x"),
    ],
)
def test_changes_of_a_result_and_of_a_column_are_distinguished(texts: tuple[str, ...]) -> None:
    """Names with their case, quotes, and what strings hold; also in a text that is no SQL."""
    normal = [normal_sql(text, "duckdb") for text in texts]
    assert all(left != right for left, right in pairwise(normal))
    assert len(set(normal)) == len(normal)


def test_an_unknown_database_is_read_as_generic_sql() -> None:
    """Its adapter's name is no dialect."""
    assert normal_sql("select  1 -- x", "no_such_adapter") == normal_sql("select 1", "no_such_adapter")


def test_python_is_compared_without_comments() -> None:
    """And without layout; code that is no Python stays as it is."""
    assert normal_python("def model(dbt, s):\n    # note\n    return 1") == normal_python("def model(dbt,s): return 1")
    assert normal_python("def model(dbt, s): return 1") != normal_python("def model(dbt, s): return 2")
    assert normal_python("def (") == "def ("


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import random", "import random"),
        ("from urllib.request import urlopen as u", "from urllib.request import …"),
        ("import datetime\ndatetime.datetime.now()", "now"),
        ("import numpy as np\nnp.random.rand(3)", "random"),
        ("pd.read_csv('x')", "read_csv"),
        ("def (", "code that is no Python"),
    ],
)
def test_a_python_model_that_reads_clock_chance_or_outside_is_volatile(code: str, what: str) -> None:
    """By the names it imports and uses."""
    assert what in [found for found, _ in read_python(code).volatile]


def test_a_plain_python_model_is_not_volatile() -> None:
    """What it computes from its parents stays the same."""
    assert read_python("def model(dbt, session):\n    return dbt.ref('a').df().drop('x')").volatile == ()
