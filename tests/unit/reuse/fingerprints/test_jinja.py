"""Templates are parsed as dbt parses them."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from dbt_common.clients.jinja import get_environment
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, nodes

from orchestrator.reuse.fingerprints.jinja import parse
from orchestrator.reuse.fingerprints.template import placeholder_sql

ROOT = Path(__file__).parents[4]
OF_DBT = Path(find_spec("dbt.include.global_project").submodule_search_locations[0]).parent
FOLDERS = {"dbt": OF_DBT, "projects": ROOT / "tests" / "projects", "reference": ROOT / "dbt_project" / "models"}
DBT = get_environment()


def as_dbt_parses(text: str) -> nodes.Template | None:
    """Return the tree that dbt's own environment makes of a template; None when it refuses it."""
    try:
        return DBT.parse(text)
    except TemplateSyntaxError:
        return None


def shape(tree: nodes.Template) -> list[tuple[str, str, int]]:
    """Return what a tree evaluates, in order: names, strings, attributes, filters and tests with their lines."""
    found = []
    for node in tree.find_all((nodes.Name, nodes.Const, nodes.Getattr, nodes.Filter, nodes.Test, nodes.Call)):
        what = next((getattr(node, key) for key in ("name", "value", "attr") if hasattr(node, key)), "")
        found.append((type(node).__name__, repr(what), node.lineno))
    return sorted(one for one in found if one[1] != "'supported_languages'" and one[1] != "'sql'")


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_texts_are_read_as_dbt_reads_them(folder: str) -> None:
    """Every macro of dbt and its adapters, and every model of the test projects."""
    files = [file for file in FOLDERS[folder].rglob("*.sql") if "target" not in file.parts]
    assert files
    for file in files:
        text = file.read_text()
        theirs = as_dbt_parses(text)
        if "{% materialization" in text or "{%- materialization" in text:
            assert parse(text).body, file  # the list of languages is a part of dbt's tree only
        elif theirs is not None:
            assert shape(parse(text)) == shape(theirs), file


PIECES = (
    *("{{ a }}", "{{- b('c') -}}", "{% set d = {'e': {'f': {}}} %}", "{# g {{ h }} #}", "{% raw %}{{ i }}{% endraw %}"),
    *(
        "{{ '}}' ~ j }}",
        "{% if k == '%}' %}",
        "{% endif %}",
        "{{ {'l': [m, {'n': o}]} }}",
        "it's",
        '"',
        "\n",
        "-- {{ p }}",
    ),
    *("{", "}", "{{ 'q\\'r' }}", "$$", "select '{{ s }}'", "{{ {} }}", "{%- endraw -%}", "#}", "{% do t.u(v) %}"),
    *("{% for w in x %}", "{% break %}", "{% endfor %}", "{{ y | map('z') }}", "{{ 1.5e3 + 0x1f }}", "{%+ if a +%}"),
    *(
        "{% macro m(a: int, b: Optional[str] = 'c') %}",
        "{% endmacro %}",
        "{% call m() %}",
        "{% endcall %}",
        "\r\n",
        "{{",
    ),
    *(
        "{% test n(model) %}",
        "{% endtest %}",
        "}}",
        "{%",
        "%}",
        "{{ é }}",
        "{{ 'é\\u00e9' }}",
        "{% docs d %}",
        "{% enddocs %}",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_any_template_is_parsed_as_dbt_parses_it(text: str) -> None:
    """Strings that look like ends, dictionaries, comments, raw blocks, typed parameters; and what dbt refuses."""
    theirs = as_dbt_parses(text)
    try:
        ours = parse(text)
    except TemplateSyntaxError:
        assert theirs is None
    else:
        assert theirs is not None
        assert shape(ours) == shape(theirs)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_sql_around_tags_keeps_its_lines(text: str) -> None:
    """What is left of a template has a line break wherever the template has one, up to its last text."""
    theirs = as_dbt_parses(text)
    if theirs is None:
        return
    lines = text.replace("\r\n", "\n").split("\n")
    for at, line in enumerate(placeholder_sql(text).split("\n")):
        if "select" in line:
            assert "select" in lines[at]


def test_expressions_become_placeholders() -> None:
    """Each a name that says what it is; statements and comments leave nothing, raw blocks what they hold."""
    assert placeholder_sql("select {{ a }}, b\n{# c #}from {{ d('}}') }}") == "select  __name__ , b\nfrom  __jinja__ "
    assert placeholder_sql("{{ this }} {{ ref('a', v=1) }}") == " __this__   __relation__ "
    for other in ("this.schema", "ref('a').schema", "ref('a') ~ '.b'", "var('a')", "'a'", "source"):
        assert placeholder_sql(f"{{{{ {other} }}}}") in {" __jinja__ ", " __name__ "}
    assert placeholder_sql("{% if x\n %}a{% endif %}{% raw %}{{ b }}{% endraw %}") == "\na{{ b }}"
    assert placeholder_sql("plain 'text'") == "plain 'text'"
    assert placeholder_sql("{{ 'no end") == "{{ 'no end"


@pytest.mark.parametrize("text", ["{{ this }}_old", "{{ this -}} _old", "old_{{ this }}", "{{ ref('a') }}{{ b }}"])
def test_a_part_of_a_name_is_no_relation(text: str) -> None:
    """It renders to the name of another relation."""
    assert " __jinja__ " in placeholder_sql(text)
    assert "__this__" not in placeholder_sql(text)
    assert "__relation__" not in placeholder_sql(text)


def test_a_var_with_a_known_value_is_resolved() -> None:
    """A number, a text and a default; what is no plain value, or is computed on, stays an expression."""
    values = {"floor": 5, "tbl": "raw.side", "list": [1]}
    assert placeholder_sql("a < {{ var('floor') }} and {{ var(\"floor\", 1) }}", values) == "a < 5 and 5"
    assert placeholder_sql("from {{ var('tbl') }}", values) == "from raw.side"
    for other in (
        "var('list')",
        "var('other')",
        "var('floor') + 1",
        "var(name)",
        "var.get('floor')",
        "var('tbl') ~ 'x'",
    ):
        assert placeholder_sql(f"{{{{ {other} }}}}", values) == " __jinja__ "
