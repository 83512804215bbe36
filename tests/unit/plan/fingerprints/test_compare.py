"""Two fingerprints are the same, differ, or need the node to be compiled to tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.outcome import Status
from orchestrator.execution.recorded import Standing
from orchestrator.execution.settle import Settlement
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.fingerprints.compare import Change, How, Verdict, compare, with_compiled
from orchestrator.plan.fingerprints.value import Finding, Fingerprint
from orchestrator.plan.step import StepId
from tests.fakes.clock import NOON

NODE = NodeId("model.shop.a")
PARTS = st.dictionaries(st.sampled_from(["code", "macro:m", "var:v"]), st.sampled_from("xy"))
BUILT = st.dictionaries(st.sampled_from(["adapter", "parent:p", "relation"]), st.sampled_from("xy"))
COMPILED = st.sampled_from([None, "one", "two"])


def made(rendered: dict[str, str], built: dict[str, str] | None = None, compiled: str | None = None) -> Fingerprint:
    return Fingerprint(node=NODE, rendered=rendered, built=built or {}, compiled=compiled)


FINGERPRINTS = st.builds(made, PARTS, BUILT, COMPILED)


@given(now=FINGERPRINTS, then=FINGERPRINTS)
def test_the_verdict_follows_from_the_parts(now: Fingerprint, then: Fingerprint) -> None:
    """Same where no part differs, or where only the compiled SQL could tell and it is the same; nothing is guessed."""
    found = compare(now, then)
    assert (found.changes == ()) == (now.parts == then.parts)
    if now.parts == then.parts:
        assert found.verdict is Verdict.SAME
    elif now.built != then.built:
        assert found.verdict is Verdict.DIFFERENT
    elif None in (now.compiled, then.compiled):
        assert found.verdict is Verdict.NEEDS_COMPILING
    else:
        assert (found.verdict is Verdict.SAME) == (now.compiled == then.compiled)


def test_each_part_that_differs_is_named() -> None:
    """With what became of it."""
    found = compare(
        made({"code": "1", "var:new": "1", "env:x": "1"}), made({"code": "2", "macro:gone": "1", "env:x": "1"})
    )
    assert found.changes == (
        Change(part="code", how=How.CHANGED),
        Change(part="macro:gone", how=How.REMOVED),
        Change(part="var:new", how=How.ADDED),
    )


def standing(fingerprint: Fingerprint, identity: str = "earlier") -> dict[StepId, Standing]:
    last = Standing(run_id="r1", ended_at=NOON, status=Status.SUCCESS, fingerprint=fingerprint, identity=identity)
    return {StepId(NODE): last}


@pytest.mark.parametrize(
    ("codes", "identity"),
    [
        (("select 1 -- new", "select 1"), "earlier"),
        (("select 2", "select 1"), None),
        ((None, "select 1"), None),
        (("select 1", None), None),
    ],
)
def test_a_node_that_compiles_to_what_stands_is_to_its_children_what_it_was(
    codes: tuple[str | None, str | None], identity: str | None
) -> None:
    """Any other is a new one: also where what it compiles to is not known."""
    now = made({"code": "new"})
    settlement = Settlement(standing=standing(made({"code": "old"})), adapter="duckdb", code=lambda *_: codes)
    assert settlement.identity(now) == (identity or now.digest)


def test_nothing_is_compiled_where_the_parts_tell() -> None:
    """Nor where compiling would ask the warehouse; the comparison is kept for who explains it."""
    asked = []

    def settlement(then: Fingerprint) -> Settlement:
        return Settlement(
            standing=standing(then), adapter="duckdb", code=lambda *one: asked.append(one) or (None, None)
        )

    assert settlement(made({"code": "1"})).identity(made({"code": "1"})) == "earlier"
    different = settlement(made({}, {"adapter": "1"}))
    different.identity(made({}, {"adapter": "2"}))
    asking = Fingerprint(node=NODE, rendered={"code": "2"}, at_run_time=Finding(what="run_query", path="a.sql"))
    assert settlement(made({"code": "1"})).identity(asking) == asking.digest
    assert asked == []
    assert different.comparisons[NODE].verdict is Verdict.DIFFERENT


def test_what_never_stood_is_itself() -> None:
    """There is nothing to compare it with."""
    settlement = Settlement(standing={}, adapter="duckdb")
    assert settlement.identity(made({"code": "1"})) == made({"code": "1"}).digest
    assert settlement.comparisons == {}


def test_python_is_settled_as_python() -> None:
    """Its comments say nothing; its indentation does."""
    code = "def model(dbt, s):\n    return 1"
    digests = [
        with_compiled(made({}), one, adapter="duckdb", language="python").compiled
        for one in (code, code + "  # note", code.replace("1", "2"))
    ]
    assert digests[0] == digests[1] != digests[2]
