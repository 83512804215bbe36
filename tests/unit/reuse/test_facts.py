"""What was recorded of a relation compared with what it holds now: equal only if all of it was read and is equal."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.reuse.facts import Content, Sameness, compared, content_text, is_same

TEXTS = st.text(alphabet="ab;= ?'", max_size=6)
TABLE = Content(kind="table", columns="c", rows="2:17", dlt_columns="", count=2)
VIEW = Content(kind="view", columns="c", rows=None, dlt_columns=None, count=None, definition="select 1")
UNREAD = replace(TABLE, rows=None, dlt_columns=None, why_not="it has more than 10 rows; rows=2:17")


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Any content that a database may return."""
    kind = draw(st.sampled_from(["table", "view", "materialized view", "foreign"]))
    is_read = draw(st.booleans()) if kind != "view" else draw(st.sampled_from([True, False]))
    count = draw(st.integers(0, 3))
    return Content(
        kind=kind,
        columns=draw(st.sampled_from(["c", "d"])),
        rows=f"{count}:{draw(st.sampled_from(['1', '2']))}" if is_read else None,
        dlt_columns=draw(st.sampled_from(["", "1", "2"])) if is_read else None,
        count=count if is_read else draw(st.none() | st.just(count)),
        definition=draw(TEXTS) if "view" in kind else "",
        why_not="" if is_read or kind == "view" else draw(TEXTS.filter(bool)),
    )


@given(contents(), contents())
def test_two_contents_are_equal_if_and_only_if_everything_relevant_was_read_and_is_equal(
    then: Content, now: Content
) -> None:
    """Whatever the reasons and definitions are: a part of the text is never taken for another part."""
    parts = ("kind", "columns", "definition", "rows", "dlt_columns")
    is_read = all(one.rows is not None or (one.kind == "view" and not one.why_not) for one in (then, now))
    equal = all(getattr(then, part) == getattr(now, part) for part in parts)
    assert is_same(content_text(then), now) == (is_read and equal)


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (TABLE, TABLE, Sameness.SAME),
        (VIEW, VIEW, Sameness.SAME),
        (UNREAD, UNREAD, Sameness.NOT_KNOWN),
        (TABLE, UNREAD, Sameness.NOT_KNOWN),
        (UNREAD, TABLE, Sameness.NOT_KNOWN),
        (UNREAD, replace(TABLE, count=3, rows="3:17"), Sameness.OTHER),
        (TABLE, replace(UNREAD, columns="d"), Sameness.OTHER),
        (TABLE, replace(TABLE, dlt_columns="5"), Sameness.OTHER),
        (TABLE, VIEW, Sameness.OTHER),
        (VIEW, replace(VIEW, definition="select 2"), Sameness.OTHER),
        (VIEW, replace(VIEW, why_not="No files found"), Sameness.NOT_KNOWN),
        (replace(VIEW, rows="1:5", count=1, dlt_columns=""), VIEW, Sameness.NOT_KNOWN),
        (TABLE, None, Sameness.OTHER),
        (None, TABLE, Sameness.NOT_KNOWN),
    ],
)
def test_a_difference_is_distinguished_from_something_that_was_not_read(
    then: Content | None, now: Content | None, expected: Sameness
) -> None:
    """A relation that is gone is another; one without a recorded content, or unread then or now, is not known."""
    assert compared(None if then is None else content_text(then), now) is expected
