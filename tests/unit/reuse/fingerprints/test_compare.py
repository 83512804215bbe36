"""Two fingerprints are the same, differ, or need the node to be compiled to tell."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.compare import Change, ComparisonVerdict, How, compare, with_compiled
from orchestrator.reuse.fingerprints.value import Fingerprint

NODE = NodeId("model.shop.a")
PARTS = st.dictionaries(st.sampled_from(["code", "macro:m", "var:v"]), st.sampled_from("xy"))
BUILT = st.dictionaries(st.sampled_from(["adapter", "parent:p", "relation"]), st.sampled_from("xy"))
COMPILED = st.sampled_from([None, "one", "two"])


def made(rendered: dict[str, str], built: dict[str, str] | None = None, compiled: str | None = None) -> Fingerprint:
    return Fingerprint(node=NODE, rendered=rendered, built=built or {}, compiled=compiled)


FINGERPRINTS = st.builds(made, PARTS, BUILT, COMPILED)


@given(now=FINGERPRINTS, then=FINGERPRINTS)
def test_the_result_follows_from_the_parts(now: Fingerprint, then: Fingerprint) -> None:
    """Same where no part differs, or where only the compiled SQL could tell and it is the same; nothing is guessed."""
    found = compare(now, then)
    assert (found.changes == ()) == (now.parts == then.parts)
    if now.parts == then.parts:
        assert found.verdict is ComparisonVerdict.SAME
    elif now.built != then.built:
        assert found.verdict is ComparisonVerdict.DIFFERENT
    elif None in (now.compiled, then.compiled):
        assert found.verdict is ComparisonVerdict.NEEDS_COMPILING
    else:
        assert (found.verdict is ComparisonVerdict.SAME) == (now.compiled == then.compiled)


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


def test_python_is_compared_as_python() -> None:
    """Its comments say nothing; its indentation does."""
    code = "def model(dbt, s):\n    return 1"
    digests = [
        with_compiled(made({}), one, adapter="duckdb", language="python").compiled
        for one in (code, code + "  # note", code.replace("1", "2"))
    ]
    assert digests[0] == digests[1] != digests[2]
