"""Templates are taken apart as Jinja itself takes them apart."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError

from orchestrator.reuse.fingerprints.jinja import take_apart

ROOT = Path(__file__).parents[4]
OF_DBT = Path(find_spec("dbt.include.global_project").submodule_search_locations[0]).parent
FOLDERS = {"dbt": OF_DBT, "projects": ROOT / "tests" / "projects", "reference": ROOT / "dbt_project" / "models"}
ENVIRONMENT = Environment()  # nothing is rendered


def as_jinja_reads(text: str) -> list[tuple[str, int]]:
    """Give the names and strings that Jinja's own lexer finds, with their lines; `raw` is no name to it."""
    found = []
    for line, kind, value in ENVIRONMENT.lex(text):
        if kind == "string":
            found.append((re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL), line))
        elif kind == "name":
            found.append((value, line))
    return found


def as_we_read(text: str) -> list[tuple[str, int]]:
    """Give the same as we find it, whatever is escaped in strings."""
    return [(token.text.replace("\n", "n").replace("\t", "t"), token.line) for token in take_apart(text).tokens]


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_texts_are_read_as_jinja_reads_them(folder: str) -> None:
    """Every macro of dbt and its adapters, and every model of the test projects: names, strings and lines."""
    files = [file for file in FOLDERS[folder].rglob("*.sql") if "target" not in file.parts]
    assert files
    for file in files:
        text = file.read_text()
        ours = [(re.sub(r"\s", "", one), line) for one, line in as_we_read(text)]
        theirs = [(re.sub(r"\s", "", one), line) for one, line in as_jinja_reads(text)]
        assert ours == theirs, file


PIECES = (
    *("{{ a }}", "{{- b('c') -}}", "{% set d = {'e': {'f': {}}} %}", "{# g {{ h }} #}", "{% raw %}{{ i }}{% endraw %}"),
    *(
        '{{ "}}" ~ j }}',
        "{% if k == '%}' %}",
        "{% endif %}",
        "{{ {'l': [m, {'n': o}]} }}",
        "it's",
        '"',
        "\n",
        "-- {{ p }}",
    ),
    *("{", "}", "{{ 'q\\'r' }}", "$$", "select '{{ s }}'", "{{ {} }}", "{%- endraw -%}", "#}"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
def test_any_template_is_read_as_jinja_reads_it(text: str) -> None:
    """Strings that look like ends, dictionaries, comments, raw blocks, quotes in the SQL around them."""
    try:
        theirs = as_jinja_reads(text)
    except TemplateSyntaxError:
        return  # dbt refuses it too
    assert as_we_read(text) == theirs


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_lines_keep_their_numbers(text: str) -> None:
    """What is left of a template has a line break wherever the template has one outside of raw blocks' tags."""
    assert take_apart(text).sql.count("\n") == text.count("\n")


def test_all_of_the_text_is_looked_at() -> None:
    """What is SQL stays where it was, and what Jinja evaluates is blank."""
    assert take_apart("a {{ b }}\n{# c #} d").sql == "a        \n        d"
    assert take_apart("plain").tokens == ()
