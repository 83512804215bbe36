"""The line of the user's file that an error of DuckDB is about."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.dbt.statement_lines import (
    FailedStatement,
    NodeText,
    failed_statement,
    is_same_up_to,
    with_line_of_node,
)

COMMENT = '/* {"app": "dbt", "dbt_version": "1.11.2", "profile_name": "shop", "node_id": "model.shop.m"} */\n\n  \n    '
TABLE = "create table m as (\n      {}\n    );\n  \n  "


def refused(statement: str) -> str:
    """Return DuckDB's message as dbt shows it."""
    with duckdb.connect() as connection:
        connection.execute("create table orders (order_id int, amount int)")
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(statement)
    lines = ["Runtime Error in model m (models/m.sql)", *str(caught.value).split("\n")]
    return "\n  ".join(lines)


def told(raw: str, compiled: str, lead: str = COMMENT, wrapping: str = TABLE) -> str:
    statement = lead + wrapping.format(compiled.strip())
    node = NodeText(path="m.sql", raw=raw, compiled_path="target/m.sql", compiled=compiled)
    return with_line_of_node(refused(statement), FailedStatement(text=statement, is_of_duckdb=True), node)


WITH = "with a as (\n  select order_id from {0}\n),\nb as (\n  select nope from {0}\n)\nselect\n  nope\nfrom b\n"
RAW, COMPILED = WITH.format("{{ ref('orders') }}"), WITH.format('"memory"."main"."orders"')


@pytest.mark.parametrize("lead", ["", "\n\n", COMMENT[:12] + "*/\n", "-- a\n\n", "  "])
def test_the_word_at_the_position_decides_between_two_lines(lead):
    """DuckDB shows another line if the statement begins with blank lines or a comment."""
    assert "\n\n  m.sql:5:   select nope from {{ ref('orders') }}\n                    ^^^^" in told(
        RAW, COMPILED, lead
    )


def test_without_a_position_two_lines_are_not_certain():
    """After dbt's long comment, DuckDB 2 shows no line, or one unrelated to the error; DuckDB 1 shows the right one."""
    text = told(RAW, COMPILED)
    assert "m.sql:" not in text or "m.sql:5:   select nope" in text
    assert "LINE" not in text


@pytest.mark.parametrize(
    ("raw", "compiled", "place"),
    [
        ("select 1\nfrom {{ ref('nope') }}", 'select 1\nfrom "memory"."main"."nope"', "m.sql:2: from {{ ref('nope')"),
        ("\n\nselect\n  nope\nfrom orders", "select\n  nope\nfrom orders", "m.sql:4:   nope"),
        ("{{ config(a=1) }}\nselect {{ x }}\nfrom orders", "\nselect nope\nfrom orders", "m.sql:2: select {{ x }}"),
        ("{% set a =\n 1 %}select\nnope from orders", "select\nnope from orders", "m.sql:3: nope"),
        ("{{ all_of_it() }}", "select\nnope from orders", "target/m.sql:2: nope"),
        (
            "select order_id\nfrom orders\nwhere where 1",
            "select order_id\nfrom orders\nwhere where 1",
            "m.sql:3: where",
        ),
    ],
)
def test_the_file_is_named_if_it_is_certain(raw, compiled, place):
    """By lines that correspond, or by a word that is on one line only; else the compiled file."""
    assert f"\n\n  {place}" in told(raw, compiled)


def test_an_error_outside_the_code_of_the_node_has_no_line():
    """For example, in what the materialization adds."""
    assert "m.sql:" not in told("select 1 as a", "select 1 as a", wrapping="create table m as ({}) nope")


NAMES = st.sampled_from(["order_id", "amount", "1", "nope"])


@given(
    columns=st.lists(NAMES, min_size=1, max_size=12).filter(lambda names: "nope" in names),
    lead=st.sampled_from(["", "\n", "\n\n  ", "/* c */\n", "-- c\n", COMMENT]),
    breaks=st.lists(st.sampled_from([" ", "\n", "\n  "]), min_size=12, max_size=12),
)
def test_a_line_that_is_named_is_right(columns, lead, breaks):
    """DuckDB complains of the first unknown column; whatever comes before it, no other line is named."""
    text = "select" + ",".join(f"{gap}{name}" for gap, name in zip(breaks, columns, strict=False)) + "\nfrom orders"
    text = text.replace("selectorder_id", "select order_id")
    right = text[: text.index("nope")].count("\n") + 1
    shown = told(text, text, lead)
    assert "m.sql:" not in shown or f"  m.sql:{right}: " in shown
    assert "LINE" not in shown or not lead


def test_the_lines_before_a_loop_correspond():
    """After the start of a loop they do not."""
    raw = ["select", "{% for c in cs %}", "  {{ c }},", "{% endfor %}", "1 from a"]
    assert is_same_up_to(raw, ["select", "", "  x,", "", "1 from a"], 1)
    assert not is_same_up_to(raw, ["select", "", "  x,", "", "1 from a"], 3)


def test_the_statement_is_found_in_the_frames_of_the_error():
    """The last one that was executed."""

    def add_query(sql):
        with duckdb.connect() as connection:
            connection.execute(sql)

    def query():
        try:
            add_query("select nope")
        except duckdb.Error as error:
            raise RuntimeError("refused") from error

    with pytest.raises(RuntimeError) as caught:
        query()
    assert failed_statement(caught.value) == FailedStatement(text="select nope", is_of_duckdb=True)
    assert failed_statement(ValueError("no statement")) is None
