"""The line of a user's file is found from a database's message, and from Jinja's traceback."""

from types import SimpleNamespace

import jinja2
import pytest

from orchestrator.adapters.dbt.error_location import place_of, with_file_lines

MODEL = "select\n  order_id,\n  nope\nfrom {{ ref('orders') }}\n"
MESSAGE = 'Binder Error: Referenced column "nope" not found\n\n  LINE 9:   nope\n            ^^^^'


def test_the_line_of_the_statement_becomes_the_line_of_the_file():
    """The label is replaced, and the caret stays below the word."""
    assert with_file_lines(MESSAGE, {"models/a.sql": MODEL}) == (
        'Binder Error: Referenced column "nope" not found\n\n  models/a.sql:3:   nope\n                    ^^^^'
    )


@pytest.mark.parametrize(
    "texts",
    [{}, {"models/a.sql": "select 1"}, {"models/a.sql": "nope\nnope"}, {"models/a.sql": ""}],
    ids=["no file", "no such line", "two such lines", "an empty file"],
)
def test_without_exactly_one_such_line_the_message_is_unchanged(texts):
    """A wrong line would be worse than none."""
    assert with_file_lines(MESSAGE, texts) == MESSAGE


def test_the_compiled_file_is_used_for_a_line_that_jinja_wrote():
    """The first file that has the line is named."""
    message = 'error\nLINE 3: from "shop"."orders"'
    told = with_file_lines(message, {"models/a.sql": MODEL, "target/a.sql": 'select\nnope\nfrom "shop"."orders"'})
    assert told == 'error\ntarget/a.sql:3: from "shop"."orders"'


def test_a_long_line_that_the_database_shortened_is_found():
    """DuckDB and PostgreSQL show only a part of a long line."""
    line = "select " + ", ".join(f"column_{number}" for number in range(50))
    message = f"error\nLINE 1: ...{line[30:90]}..."
    assert with_file_lines(message, {"a.sql": f"-- a comment\n{line}"}).startswith("error\na.sql:2: ...")


def test_a_message_without_a_line_is_unchanged():
    """Nothing is invented."""
    assert with_file_lines("IO Error: disk", {"a.sql": "disk"}) == "IO Error: disk"


def raised_in(template: str) -> Exception:
    with pytest.raises(ZeroDivisionError) as caught:
        jinja2.Environment(autoescape=True).from_string(template).render()
    return caught.value


def test_the_line_in_a_template_counts_from_the_start_of_the_file(tmp_path):
    """dbt drops blank lines at the start of a file before Jinja sees it."""
    text = "select 1\n\n{{ 1 / 0 }}"
    (tmp_path / "a.sql").write_text(f"\n\n{text}\n")
    node = SimpleNamespace(original_file_path="a.sql", raw_code=text)
    assert place_of(raised_in(text), node, tmp_path) == "a.sql:5"


def test_a_text_that_is_in_no_file_of_the_project_has_no_line(tmp_path):
    """For example, a generic test or a macro of a package."""
    node = SimpleNamespace(original_file_path="a.sql", raw_code="{{ 1 / 0 }}")
    assert place_of(raised_in("{{ 1 / 0 }}"), node, tmp_path) == ""
    assert place_of(raised_in("{{ 1 / 0 }}"), None, tmp_path) == ""
