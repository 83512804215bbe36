"""SQL of a branch that was not taken is read token by token."""

import pytest

from orchestrator.reuse.fingerprints.fragments import fragment_findings
from tests.unit.reuse.fingerprints.making import model, one

UNDERSTOOD = (
    "select a from {{ ref('x') }} {% if is_incremental() %} where t > (select max(t) from {{ this }}) {% endif %}",
    "with new as (select * from {{ ref('x') }}) select extract(year from d) from new join {{ ref('y') }} using (id)",
    "select trim(both from a), a is distinct from b from {{ ref('x') }}, {{ ref('y') }} where {{ cents('a') }} > 1",
    "select * from {{ ref('x') }} cross join unnest([1, 2]) as t(i), range(3)",
    "{% if is_incremental() %} select 1 {% else %} select 2 {% endif %}",
)
NOT_UNDERSTOOD = {
    "select * from {{ ref('x') }} {% if is_incremental() %} where t > now() {% endif %}": "now()",
    "{% if is_incremental() %} where t > current_date {% endif %}": "current_date",
    "{% if flags.FULL_REFRESH %} select * from main.other {% else %} select 1 {% endif %}": "main, which it reads",
    "select * from {{ ref('x') }}, other": "other, which it reads",
    "select * from {{ ref('x') }}_old": "what Jinja renders, which it reads",
    "select * from {{ ref('x') }} join read_csv('x.csv') on true": "read_csv()",
    "select my_macro(a) from {{ ref('x') }}": "my_macro()",
    "select {{ var('f') }}(a) from {{ ref('x') }}": "a function whose name Jinja renders",
}


@pytest.mark.parametrize("code", UNDERSTOOD)
def test_calls_of_deterministic_functions_on_what_jinja_renders_are_understood(code):
    """On DuckDB; a CTE of the same text is a relation too."""
    assert fragment_findings(code, "duckdb") == ()


@pytest.mark.parametrize("code", NOT_UNDERSTOOD)
def test_anything_else_is_named_in_the_error(code):
    """The clock, a file, a table without ref(), a function that is on no list."""
    found = fragment_findings(code, "duckdb")
    assert any(NOT_UNDERSTOOD[code] in one for one in found), found


def test_an_incremental_model_is_not_understood_for_a_branch_that_its_first_build_does_not_take():
    """What it compiles to then shows nothing of the branch."""
    code = "select 1 as a {% if is_incremental() %} where now() > '2024-01-01' {% endif %}"
    found = one(model("model.a", code, config={"materialized": "incremental"}))
    assert "now() (models/a.sql)" in [str(finding) for finding in found.not_understood]
