"""`elt plan` and `elt ls` read the project and compile none of it."""

import pytest

from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

MINE = {
    "macros/mine.sql": """
        {% macro mine() %}
          {%- if execute %}{{ exceptions.raise_compiler_error("compiled") }}{% endif %} 1
        {%- endmacro %}
        """,
    "models/trapped.sql": "select {{ mine() }} as id from {{ ref('int_orders') }}",
    "tests/trapped_test.sql": "select {{ mine() }} as id from {{ ref('trapped') }}",
}


@pytest.fixture(scope="module")
def trapped(tmp_path_factory):
    """A project with a model and a test that cannot be compiled."""
    return write_shop(tmp_path_factory.mktemp("trapped"), MINE)


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json"), ("ls",), ("ls", "--output", "json")])
def test_nodes_that_cannot_be_compiled_can_be_planned(elt, trapped, words):
    """A model whose compilation raises is in the plan and in the list, and no compiled file is written."""
    said = elt(*words, project=trapped)
    assert said.code == 0, said.err
    assert "trapped_test" in said.out
    assert not (trapped / "target/compiled").exists()


def test_the_trap_works(elt, trapped):
    """A run of the same model compiles it, and says what that raised."""
    elt("run", "--select", "trapped", "--upstream", "none", "--no-ingest", project=trapped).reports(
        "compiled", "trapped"
    )
