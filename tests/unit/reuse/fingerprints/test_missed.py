"""What a fingerprint may have missed, as far as a node's code shows."""

import pytest

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.missed import missed
from tests.graph_factories import make_source
from tests.unit.reuse.fingerprints.making import model, project

PARTS = (make_source("s"), model("model.e", "select 1", "source.raw.s", config={"materialized": "ephemeral"}))
BY_HAND = "rows that were changed by hand, in the table itself or in one that it reads"


def found(compiled: str, then: str | None = None, node: DbtNode | None = None) -> list[str]:
    """Give what may have been missed of a model that reads a source through an ephemeral one."""
    node = node or model("model.a", "select 1", "model.e")
    manifest = project(*PARTS, model("model.b"), node)
    return list(missed(manifest, manifest.nodes[node.unique_id], compiled, then))


READ = "with e as (select * from raw.s) select e.* from e"


@pytest.mark.parametrize(
    ("compiled", "told"),
    [
        (f"{READ} join main.b using (i)", "main.b, which it reads without ref() or source() (it is b)"),
        (f"{READ}, elsewhere.t", "elsewhere.t, which it reads without ref() or source()"),
    ],
)
def test_a_table_that_is_read_beside_refs_is_named(compiled: str, told: str):
    """With the node that builds it; what ephemeral models read, and names inside of the SQL, are known."""
    assert found(compiled) == [told]
    (nothing,) = found(READ)
    assert nothing.startswith("nothing that elt can see")


def test_a_change_of_compiled_code_is_reported_except_layout_and_comments():
    """Where the fingerprint took it for the same."""
    assert found("select 1 from raw.s", "select 2 from raw.s")[0].startswith("what it compiles to")
    assert found(READ, f"{READ} -- then")[0].startswith("nothing")


@pytest.mark.parametrize(
    ("select", "told"),
    [
        (
            "dearest(e.i)",
            "the function dearest(), which is not on the list of deterministic functions of DuckDB 1.5 to 2.0",
        ),
        ("any_value(e.i)", "the order of the rows, which any_value() depends on"),
        ("e.i from e limit 3; --", "the order of the rows, for which limit is no order by"),
    ],
)
def test_a_difference_may_be_volatility_or_a_manual_edit(select: str, told: str):
    """Neither is certain."""
    assert found(f"with e as (select * from raw.s) select {select} from e") == [told, BY_HAND]
    assert found("select first(i) over (order by i), range(3), array_agg(i order by i) from raw.s")[0][:7] == "nothing"


def test_modules_that_a_python_model_imports_are_named():
    """Python's own are not."""
    code = "import os, pricing.rules\nfrom pandas import DataFrame\n\ndef model(dbt, session): ..."
    told = found(code, node=model("model.a", code, "model.e", language="python"))
    assert told == [f"what is in the module {name}, which it imports" for name in ("pandas", "pricing")] + [BY_HAND]
