"""Comments and layout are left out of a template only where nothing can make them matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from sqlglot import tokenize
from sqlglot.errors import SqlglotError

from orchestrator.reuse.fingerprints.bare_code import bare_code
from orchestrator.reuse.fingerprints.normal_sql import normal_sql

ENVIRONMENT = Environment()  # SQL, not HTML
PIECES = (
    *("select", "a", "'a  b'", '"c"', "-- note", "-- it's", "/* b */", "\n", "  ", "{{ x }}", "{{- x -}}", ","),
    *("{% if y %}", "{%- if y %}", "{% else %}", "{% endif %}", "{%- endif -%}", "{# c #}", "{#- d -#}", "'{{ x }}'"),
    *(
        "{% set z = 1 %}",
        "'",
        "/*",
        "-- {{ x }}",
        "{% raw %}",
        "{% endraw %}",
        "$$ a  b $$",
        "{% set w %}",
        "{% endset %}",
    ),
)
TEMPLATES = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


def is_sql(text: str) -> bool:
    """Say whether the words of a text can be told."""
    try:
        tokenize(text, read="duckdb")
    except SqlglotError:
        return False
    return True


def rendered(text: str) -> list[str | None] | None:
    """Give what a template comes to with every value of what it asks for; None when Jinja refuses it."""
    try:
        template = ENVIRONMENT.from_string(text)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, dbt refuses it too
        return None
    texts = [template.render(x=x, y=y) for x in ("e", "f g") for y in (True, False)]
    return [normal_sql(text, "duckdb") if is_sql(text) else None for text in texts]


@given(TEMPLATES)
def test_the_reduced_template_renders_to_the_same_sql(text: str) -> None:
    """Whatever the tags come to."""
    assert rendered(bare_code(text)) == rendered(text)


@given(
    left=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    right=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
)
def test_templates_that_reduce_to_the_same_text_render_alike(left: str, right: str) -> None:
    """So an edit that matters is never taken for one that does not."""
    if bare_code(left) == bare_code(right):
        assert rendered(left) == rendered(right)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select a -- old\nfrom t", "select a -- new\n  from t"),
        ("select a\n{% if x %}\n  -- old\n  where b\n{% endif %}", "select a {% if x %} where b {% endif %}"),
        ("{# old #}select a", "select a"),
        ("select '{{ x }}' /* old */", "select '{{ x }}'"),
        ("select a\n\n{%- if x -%}\n  , b {%- endif %}", "select a{% if x %}, b{% endif %}"),
    ],
)
def test_comments_and_layout_are_ignored(before: str, after: str) -> None:
    """Also between the tags of a condition."""
    assert bare_code(before) == bare_code(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select a, b", "select a,b,"),
        ("select 'a  b'", "select 'a b'"),
        ("select a -- {{ x }} old", "select a -- {{ x }} new"),
        ("select 1 -- note\n{%- if x %}, 2{% endif %}", "select 1\n{%- if x %}, 2{% endif %}"),
        ("select '{% if x %}a' -- '{% endif %}b", "select '{% if x %}a' -- '{% endif %}c"),
        ("{% set f %}a  b{% endset %}", "{% set f %}a b{% endset %}"),
        ("{% set f | replace(old='c') %}a  b{% endset %}", "{% set f | replace(old='c') %}a b{% endset %}"),
        ("a{{ x }}", "a {{ x }}"),
        ("{{ x -}} /* a */ {{- x }}", "{{ x -}} {{- x }}"),
        ("select 'unclosed  a", "select 'unclosed a"),
    ],
)
def test_text_that_might_matter_is_kept(before: str, after: str) -> None:
    """Strings, comments that hold a tag or that a tag joins to the next line, and what Jinja keeps as text."""
    assert bare_code(before) != bare_code(after)
