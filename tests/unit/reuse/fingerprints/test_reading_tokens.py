"""The tokens inside tags are those of Jinja's own lexer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError

from orchestrator.reuse.fingerprints.jinja_tokens import tokens_of
from tests.unit.reuse.fingerprints.stock_list import installed
from tests.unit.reuse.fingerprints.test_jinja import PIECES

ENVIRONMENT = Environment()  # nothing is rendered
BOUNDARIES = {"variable_begin", "variable_end", "block_begin", "block_end"}
INSIDE = (
    *(
        "a",
        "is",
        "'b'",
        '"c\\"\\n"',
        "'\n'",
        "1",
        "1_000",
        "1.5",
        "2e3",
        "1.5_0E-2",
        "0x1F",
        "0b1",
        "0o7",
        "a.1.b",
        "1.x",
    ),
    *(
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "}}",
        "%}",
        "-}}",
        "-%}",
        "+%}",
        "~",
        "**",
        "*",
        "//",
        "==",
        "!=",
        ">=",
        "<",
        "|",
        ":",
    ),
    *(
        " ",
        "\n",
        "\t",
        ".",
        ",",
        "=",
        "-",
        "+",
        "%",
        "é",
        "·",
        "ⅷ",
        "²",
        "'é'",
        "'\\x'",
        "'\\u00e9'",
        "$",
        "@",
        "!",
        "\\",
        "''",
    ),
    *("{{", "{%", "{#", "#}", "{{-", "{%-", "{%+", "{%- raw -%}", "{% endraw %}", "raw", "\r", "\xa0", "\x0c"),
)


def as_jinja_splits(text: str) -> list[tuple[int, str, object]] | None:
    """Return the tokens of Jinja's lexer without the text around tags; None when it refuses a template."""
    try:
        found = list(ENVIRONMENT._tokenize(text, None))
    except TemplateSyntaxError:
        return None
    return [
        (one.lineno, one.type, None if one.type in BOUNDARIES else one.value) for one in found if one.type != "data"
    ]


def as_we_split(text: str) -> list[tuple[int, str, object]] | None:
    """Return ours in the same form; None where Jinja has to do it."""
    found = tokens_of(text)
    return found and [(one.lineno, one.type, None if one.type in BOUNDARIES else one.value) for one in found]


def test_every_macro_of_dbt_is_split_as_jinja_splits_it() -> None:
    """None of them is out of the ordinary."""
    for macro in installed():
        assert as_we_split(macro.code) == as_jinja_splits(macro.code), macro.name


@given(st.lists(st.sampled_from((*PIECES, *INSIDE)), max_size=12).map("".join))
def test_any_template_is_split_as_jinja_splits_it(text: str) -> None:
    """Or left to Jinja: what Jinja refuses is never split."""
    ours, theirs = as_we_split(text), as_jinja_splits(text)
    assert ours is None or ours == theirs


@given(
    st.sampled_from(("{{ X }}", "{% X %}", "{{-X-}}", "{%+X+%}")),
    st.lists(st.sampled_from(INSIDE), max_size=8).map("".join),
)
def test_any_tag_is_split_as_jinja_splits_it(tag: str, inside: str) -> None:
    """Numbers, strings, operators, brackets that look like ends."""
    text = tag.replace("X", inside)
    ours, theirs = as_we_split(text), as_jinja_splits(text)
    assert ours is None or ours == theirs


@pytest.mark.parametrize(
    "text", ["{{ a", "{{ ) }}", "{{ (] }}", "{# a", "{% raw %}a", "{{ $ }}", "{{ ² }}", "a\r\n{{ b }}", "{{ '\\x' }}"]
)
def test_what_is_out_of_the_ordinary_is_left_to_jinja(text: str) -> None:
    """What does not end, brackets that do not match, characters that are none of Jinja's, other line ends."""
    assert tokens_of(text) is None
